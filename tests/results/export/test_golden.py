"""Every form of one whole run that others read, word for word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tailrace.results.export import hgrm
from tailrace.results.export.chosen import Chosen, chosen
from tailrace.results.export.forms import OF_ONE_FILE
from tailrace.results.export.mlflow_runs import MlflowRun, mlflow_runs
from tailrace.results.export.openmetrics import Exposed, Now, families, of_run

from ..golden_files import assert_golden

GOLDEN = Path(__file__).with_name("golden")
NOW = Now("org/alpha", 2, "measure", 1.5, 30.0, 3, {"event loop": "warn", "starts": "bad"})


@pytest.fixture(scope="session")
def whole(whole_path: Path) -> Chosen:
    return chosen(whole_path)


def samples_of(exposed: Exposed) -> str:
    """Families as they are given to the writer, whose own text differs between its versions."""
    lines = []
    for family in families(exposed):
        lines.append(f"# {family.name} {family.type} {family.unit!r} {family.documentation}")
        for sample in family.samples:
            labels = json.dumps(sample.labels, ensure_ascii=False)
            lines.append(f"{sample.name} {labels} {float(sample.value):.9g}")
    return "\n".join(lines) + "\n"


def test_metrics_of_a_run_that_is_over(whole: Chosen) -> None:
    exposed = of_run(whole.facts, whole.results, whole.verdict)
    assert_golden(GOLDEN / "whole-metrics.txt", samples_of(exposed))


def test_metrics_of_a_run_that_goes_on(whole: Chosen) -> None:
    exposed = of_run(whole.facts, whole.results, whole.verdict)
    going_on = exposed._replace(levels=exposed.levels[:2], now=NOW, valid=None)
    found = samples_of(going_on).splitlines(keepends=True)
    kept = ("tailrace_audit", "tailrace_phase", "tailrace_requests_in_flight", "tailrace_run")
    lines = [line for line in found if line.removeprefix("# ").startswith(kept)]
    assert_golden(GOLDEN / "whole-now.txt", "".join(lines))


def logged(run: MlflowRun) -> str:
    head = [f"## {run.name}", f"ok {run.ok}, {run.began_ms} to {run.ended_ms}"]
    pairs = [f"{name}: {text}" for part in (run.params, run.tags) for name, text in part.items()]
    points = [f"{p.name} = {p.value:.9g} at step {p.step}, {p.at_ms}" for p in run.points]
    return "\n".join([*head, *pairs, *points, ""])


def test_runs_of_mlflow(whole: Chosen) -> None:
    first, levels = mlflow_runs("whole", whole.facts, whole.results, whole.verdict)
    assert_golden(GOLDEN / "whole-mlflow.txt", "\n".join(map(logged, [first, *levels])))


def test_spans(whole: Chosen) -> None:
    lines = b"".join(OF_ONE_FILE["otel"](whole)).splitlines()
    shown = []
    for line in lines:
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                spans = scope.pop("spans")
                shown += [json.dumps(span) for span in spans[::4] + spans[-2:]]
            shown.append(json.dumps(resource))
    assert_golden(GOLDEN / "whole-spans.txt", "\n".join(shown) + "\n")


def test_requests_as_csv(whole: Chosen) -> None:
    text = b"".join(OF_ONE_FILE["requests-csv"](whole)).decode()
    head, *lines = text.splitlines(keepends=True)
    assert len(lines) == 1 + 13 + 25 + 21 + 21 + 1
    assert_golden(GOLDEN / "whole-requests.csv", "".join([head, *lines[::6], lines[-1]]))


def test_percentile_distributions_have_a_name_each(
    whole: Chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hgrm, "hgrm", lambda metric: str(metric["n"]).encode())
    found = dict(hgrm.hgrm_files(whole.facts, whole.results))
    assert {name: n for name, n in found.items() if name.endswith("-ttft.hgrm")} == {
        "alpha-level0-ttft.hgrm": b"12",
        "alpha-level1-ttft.hgrm": b"22",
        "beta-level0-ttft.hgrm": b"21",
        "beta-level1-ttft.hgrm": b"21",
    }
    assert not any("connect" in name for name in found), "nothing was told of connections"
