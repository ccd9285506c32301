"""A finished run of two levels, to be exported."""

from __future__ import annotations

from pathlib import Path

from tailrace.results.export.chosen import Chosen, chosen

from ..builders import row, run_folder, waited

ROWS = [
    row(0, phase="cold", stage=-1, id="cold"),
    row(0, 100, (10, 20), id="a", finish_reason="=1+1", input_tokens=7),
    waited("timeout", 900, 100, (5,), id="b", error_class="timeout", error="late"),
    row(300, 50, (), id="c", stage=1),
]


def finished(path: Path) -> Chosen:
    run_folder(path, ROWS, stages=2).rebuild()
    return chosen(path)
