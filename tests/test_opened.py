"""RUN and RUN:MODEL, where paths and model ids have colons of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.errors import ResultError, UsageError
from tailrace.opened import ran, sides
from tailrace.results.facts import ModelFacts

from .results.builders import facts, row, run_folder, stage

ROWS = [row(100 * k, id=f"r{k}") for k in range(3)]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """``a:1`` has the models ``x:1`` and ``y``; ``b`` has one with a variant and a label."""
    for name in ("x-1", "y"):
        folder = run_folder(tmp_path / "a:1", ROWS, model=name)
    models = [
        ModelFacts(model, name, "ok", stages=[stage(ROWS)])
        for model, name in (("x:1", "x-1"), ("y", "y"))
    ]
    folder.write_facts(facts(*models))
    folder.rebuild()
    entries = {"entries": [{"tags": {"variant": "q4"}}]}
    run_folder(tmp_path / "b", ROWS, scenario=entries).rebuild()
    run_folder(tmp_path / "c", ROWS, scenario=entries | {"label": "gpu-on"}).rebuild()
    return tmp_path


def test_the_longest_folder_is_the_run(runs: Path) -> None:
    a, b = sides(f"{runs}/a:1:x:1", f"{runs}/a:1:y")
    assert (a.model.model, b.model.model) == ("x:1", "y")
    assert (a.label, b.label) == ("a:1:x:1", "a:1:y")
    assert a.result["stages"][0]["counts"]["measured"]["ok"] == 3


def test_labels_come_from_the_run_then_from_the_variant(runs: Path) -> None:
    a, b = sides(f"{runs}/c", f"{runs}/b")
    assert (a.label, b.label) == ("gpu-on", "q4")
    a, b = sides(f"{runs}/b", f"{runs}/b:m")
    assert (a.label, b.label) == (f"{runs}/b", f"{runs}/b:m")
    assert ran(runs / "c").label == "gpu-on"
    assert ran(runs / "b").label == "b"


def test_a_run_of_several_models_needs_a_name(runs: Path) -> None:
    with pytest.raises(UsageError, match="several models; name one, as RUN:MODEL, of x:1, y"):
        sides(f"{runs}/a:1", f"{runs}/b")
    with pytest.raises(UsageError, match="has no model 'z'; it has x:1, y"):
        sides(f"{runs}/a:1:z", f"{runs}/b")


def test_a_folder_that_is_no_run(runs: Path) -> None:
    with pytest.raises(ResultError, match="is not a tailrace run"):
        sides(f"{runs}/nowhere:m", f"{runs}/b")
