"""What is chosen of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.errors import ResultError, UsageError
from tailrace.results.export.chosen import chosen
from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder

from ..builders import facts, row, stage
from .runs import finished


def test_a_whole_run(tmp_path: Path) -> None:
    run = finished(tmp_path)
    assert [placed.row.id for placed in run.rows()] == ["cold", "a", "b", "c"]
    assert [placed.load for placed in run.rows()] == [None, "1", "1", "1"]


def test_one_model_and_level(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    models = []
    for name in ("x", "y"):
        rows = [row(0, id=f"{name}1"), row(5, id=f"{name}2", stage=1, phase="measure")]
        journal = folder.open_journal(name)
        for one in rows:
            journal.append(one.to_json())
        journal.close()
        stages = [stage(rows, 0, 1), stage(rows, 1, 4, load="4")]
        models.append(ModelFacts(name, name, "ok", stages=stages))
    folder.write_facts(facts(*models))
    folder.rebuild()
    run = chosen(tmp_path, "y", "4")
    assert [placed.row.id for placed in run.rows()] == ["y2"]
    assert [(r["model"], [s["load"] for s in r["stages"]]) for r in run.results] == [("y", ["4"])]
    with pytest.raises(UsageError, match=r"--model 'z' is not in the run; it has 'x', 'y'"):
        chosen(tmp_path, "z")
    with pytest.raises(UsageError, match=r"--level '9' is not in the run; it has '1', '4'"):
        chosen(tmp_path, None, "9")


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="is not a tailrace run"):
        chosen(tmp_path)
