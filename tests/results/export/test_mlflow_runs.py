"""A run as runs of MLflow: the numbers of summary.csv, with their names and what is not certain."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from tailrace.results.export.chosen import Chosen, chosen
from tailrace.results.export.mlflow_runs import (
    CURVES,
    PARAM_CHARS,
    MlflowRun,
    mlflow_runs,
    sent_as,
)

from ..builders import run_folder
from .runs import finished


def told(run: Chosen) -> tuple[MlflowRun, list[MlflowRun]]:
    return mlflow_runs(run.name, run.facts, run.results, run.verdict)


def test_a_level_has_the_numbers_of_its_line_in_the_summary(tmp_path: Path) -> None:
    run = finished(tmp_path)
    whole, levels = told(run)
    text = (tmp_path / "summary.csv").read_bytes().decode("utf-8-sig")
    for level, line in zip(levels, csv.DictReader(io.StringIO(text)), strict=True):
        values = {point.name: point.value for point in level.points}
        assert values["ttft_p99_ms"] == float(line["ttft_p99_ms"])
        assert values["requests_per_s"] == float(line["requests_per_s"])
        assert not values.keys() & {"users", "level", "load", "ttft_p99_certified"}
        assert {point.step for point in level.points} == {int(line["users"])}
        assert (level.params["model"], level.params["users"]) == ("m", line["users"])
        assert "ttft_p99" in level.tags["tailrace.not_certified"].split(", ")
    first, second = ({p.name: p.value for p in level.points} for level in levels)
    assert (first["error_rate"], second["error_rate"]) == (0.5, 0)
    curve = [point for point in whole.points if point.name == "ttft_p50_ms"]
    assert [point.value for point in curve] == [first["ttft_p50_ms"], second["ttft_p50_ms"]]
    assert {point.name for point in whole.points} <= set(CURVES)


def test_the_whole_says_what_was_asked_and_found(tmp_path: Path) -> None:
    run = finished(tmp_path)
    run.facts.options = {
        "concurrency": "1,2",
        "temperature": 0.0,
        "slo": ["ttft:p99<1s", "icl:p99<1s"],
        "seed": None,
        "prompts": ["a secret plan"],
        "label": "x" * (PARAM_CHARS + 9),
        "odd:name=é": True,
    }
    whole, _ = told(run)
    given = {name: value for name, value in whole.params.items() if not name.startswith("host.")}
    assert given.pop("label") == "x" * (PARAM_CHARS - 1) + "…"
    assert given == {
        "concurrency": "1,2",
        "temperature": "0",
        "slo": "ttft:p99<1s, icl:p99<1s",
        "odd_name__": "true",
    }
    assert whole.tags["tailrace.verdict"] == run.verdict.word
    assert whole.began_ms == run.facts.origin_wall_ns // 1_000_000
    assert whole.ended_ms >= whole.began_ms
    assert "best throughput" in whole.tags["mlflow.note.content"]


def test_curves_of_several_models_are_apart(tmp_path: Path) -> None:
    run = finished(tmp_path)
    other = replace(run.facts.models[0], model="a:b", folder="a-b")
    facts = replace(run.facts, models=[*run.facts.models, other])
    run = run._replace(facts=facts, results=run.results * 2)
    whole, levels = told(run)
    assert {point.name.partition("/")[0] for point in whole.points} == {"m", "a_b"}
    assert len(levels) == 4


def test_a_model_that_came_to_no_level_is_there(tmp_path: Path) -> None:
    run_folder(tmp_path, [], stages=0).rebuild()
    run = chosen(tmp_path)
    run.facts.models[0].status, run.facts.models[0].error_class = "failed", "model_not_found"
    _, (level,) = told(run)
    assert (level.name, level.ok, level.points) == ("m", False, [])
    assert level.params == {
        "model": "m",
        "status": "failed",
        "error_class": "model_not_found",
    }


def test_a_load_by_rate_has_it_as_its_step(tmp_path: Path) -> None:
    run = finished(tmp_path)
    for result in run.results:
        for stage, load in zip(result["stages"], ("2.5/s", "as it came"), strict=True):
            stage |= {"users": None, "load": load}
    _, levels = told(run)
    assert [level.points[0].step for level in levels] == [2, 1]


def test_what_it_is_known_by(tmp_path: Path) -> None:
    facts = finished(tmp_path).facts
    assert sent_as(facts) == sent_as(chosen(tmp_path).facts)
    model = facts.models[0]
    part = replace(facts, models=[replace(model, stages=model.stages[:1])])
    later = replace(facts, origin_wall_ns=facts.origin_wall_ns + 1)
    assert len({sent_as(each) for each in (facts, part, later)}) == 3
