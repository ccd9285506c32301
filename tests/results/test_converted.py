"""What is said of a run that another tool measured, beside ours."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.converted import converted_note

from . import builders


def stage(gaps: int, **source: int) -> dict[str, Any]:
    return {"metrics": {"icl": {"n": gaps}}, "tokens": {"source": source}}


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([stage(5, usage=3)], ""),
        ([stage(0, usage=3), stage(1, usage=3)], ""),
        (
            [stage(0, usage=3)],
            "; no gaps kept, so icl and stalls cannot be compared, and tpot is ",
        ),
        ([stage(5, usage=3), stage(5, unknown=1)], "; tokens of unknown source, so tpot and "),
    ],
)
def test_the_line(stages: list[dict[str, Any]], said: str) -> None:
    facts = builders.facts(tool={"name": "t", "version": "1", "converted_by": "tailrace 0"})
    note = converted_note("A", facts, [{"stages": stages}])
    assert note.startswith(f"A: converted from t 1, its client not audited{said}")
    assert said or note.endswith("audited")


def test_of_our_own_run_there_is_none() -> None:
    assert converted_note("A", builders.facts(), []) == ""
