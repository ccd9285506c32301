"""Logging to MLflow, read back by its own client; a folder is the store that is made at once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tailrace.engine.mlflow_sender import MlflowSender
from tailrace.errors import TargetError, UsageError
from tailrace.results.export.chosen import Chosen, chosen
from tailrace.results.export.mlflow_runs import MlflowRun, mlflow_runs, sent_as
from tailrace.results.files import RunFolder

from ..results.export.runs import finished


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlruns").as_uri()


def send(path: Path, store: str, files: dict[Path, str | None], experiment: str = "x") -> str:
    run = chosen(path)
    return MlflowSender(store, experiment).send(sent_as(run.facts), *told(run), files)


def told(run: Chosen) -> tuple[MlflowRun, list[MlflowRun]]:
    return mlflow_runs(run.name, run.facts, run.results, run.verdict)


def runs_of(store: str) -> dict[str, Any]:
    """By their names, of the one experiment that there is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(store)
        (experiment,) = client.search_experiments(filter_string="name = 'x'")
        return {
            run.info.run_name: run for run in client.search_runs([experiment.experiment_id])
        } | {"client": client}


def test_it_is_read_back(tmp_path: Path, store: str) -> None:
    run = finished(tmp_path / "RUN")
    run.facts.models[0].stages[1].users = 2
    RunFolder(run.path).write_facts(run.facts)
    RunFolder(run.path).rebuild()
    run = chosen(run.path)
    files = {run.path / "report.md": None, run.path / "m/result.json": "m"}
    run_id = send(run.path, store, files)
    found = runs_of(store)
    client, whole = found.pop("client"), found["RUN"]
    assert sorted(found) == ["RUN", "m · 1 user", "m · 2 users"]
    assert whole.info.run_id == run_id
    assert {each.info.status for each in found.values()} == {"FINISHED"}
    expected, levels = told(run)
    for level in levels:
        there = found[level.name]
        assert there.data.tags["mlflow.parentRunId"] == run_id
        assert there.data.params == level.params
        assert there.data.metrics == {point.name: point.value for point in level.points}
        assert (there.info.start_time, there.info.end_time) == (level.began_ms, level.ended_ms)
    curve = client.get_metric_history(run_id, "ttft_p50_ms")
    assert [(point.step, point.value) for point in curve] == [
        (point.step, point.value) for point in expected.points if point.name == "ttft_p50_ms"
    ]
    assert whole.data.params == expected.params
    assert [each.path for each in client.list_artifacts(run_id)] == ["m", "report.md"]
    assert [each.path for each in client.list_artifacts(run_id, "m")] == ["m/result.json"]


def test_it_is_not_logged_twice_but_what_broke_off_is_again(tmp_path: Path, store: str) -> None:
    run = finished(tmp_path / "RUN")
    with pytest.raises(TargetError, match=r"^MLflow at file:.* says: .*nothing-here"):
        send(run.path, store, {tmp_path / "nothing-here": None})
    assert runs_of(store)["RUN"].info.status == "FAILED"
    run_id = send(run.path, store, {})
    with pytest.raises(UsageError, match=f"already, as MLflow run {run_id}; delete that"):
        send(run.path, store, {})
    assert send(run.path, store, {}, experiment="other") != run_id


def test_no_password_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetError, match="MLflow at odd://h says: ") as caught:
        MlflowSender("odd://user:s3cret@h", "x")
    assert "s3cret" not in str(caught.value)
