"""Objectives and thresholds as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tailrace.simulate import Script, background

from .command import tailrace

QUICK = ("-m", "sim", "-c", "4", "-n", "100", "--warmup", "100ms", "-q")


def only_run(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


def stage_of(folder: Path) -> Any:
    document = json.loads((only_run(folder) / "sim" / "result.json").read_text(encoding="utf-8"))
    return document["stages"][0]


def test_objectives_that_are_met(sim_url: str, tmp_path: Path) -> None:
    slo = "ttft:p90<10s, error_rate<50%, goodput>0"
    done = tailrace("run", "--url", sim_url, *QUICK, "--slo", slo, cwd=tmp_path)
    assert done.returncode in (0, 11), done.stderr
    assert "Objectives" in done.stdout
    stage = stage_of(tmp_path)
    assert [each["status"] for each in stage["slo"]] == ["pass"] * 3
    assert stage["goodput"]["share"] == 1.0


def test_an_objective_that_is_missed_ends_with_ten_also_from_a_report(
    sim_url: str, tmp_path: Path
) -> None:
    env = {"TAILRACE_SLO": "ttft:p90<1ms"}
    done = tailrace("run", "--url", sim_url, *QUICK, cwd=tmp_path, env=env)
    assert done.returncode in (10, 11), done.stderr
    run = only_run(tmp_path)
    before = (run / "sim" / "result.json").read_bytes()
    again = tailrace("report", str(run), cwd=tmp_path)
    assert again.returncode == done.returncode
    assert (run / "sim" / "result.json").read_bytes() == before
    assert stage_of(tmp_path)["slo"][0]["status"] == "fail"
    assert "ttft:p90&#60;1ms" in (run / "report.md").read_text(encoding="utf-8")
    assert "MISSED" in (run / "report.html").read_text(encoding="utf-8")


def test_too_few_samples_cannot_tell_and_are_no_miss(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        "run", "--url", sim_url, *QUICK, "--slo", "ttft:p99<10s", "--slo", "e2e:max<1m",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode in (0, 11), done.stderr
    assert [each["status"] for each in stage_of(tmp_path)["slo"]] == ["cannot tell", "pass"]
    assert "100 samples; p99 needs 662" in " ".join(done.stdout.split())


def test_a_scenario_file_has_them_too(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        f'url = "{sim_url}"\nmodel = "sim"\nrequests = 20\nwarmup = "0s"\n'
        'slo = ["ttft:p50<10s", "icl:p50<10s"]\nabort-on = "error_rate>90%"\n',
        encoding="utf-8",
    )
    done = tailrace("run", "s.toml", "-q", cwd=tmp_path)
    assert done.returncode in (0, 11), done.stderr
    assert len(stage_of(tmp_path)["slo"]) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('slo = "ttft:p99<500"', "s.toml line 2: --slo: 'ttft:p99<500': ttft needs a unit"),
        ('abort-on = "x>1 for 5s"', "s.toml line 2: --abort-on: 'x>1': unknown figure 'x'"),
    ],
)
def test_a_wrong_one_is_said_with_its_place(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "s.toml").write_text(f'url = "http://127.0.0.1:9"\n{line}\nmodel = "m"\n')
    done = tailrace("run", "s.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_threshold_ends_the_run_and_keeps_what_was_measured(tmp_path: Path, workers: str) -> None:
    script = Script(ttft_ns=5_000_000, gap_ns=1_000_000, tokens=4, fault="http_500", fault_every=2)
    with background(script) as url:
        done = tailrace(
            *("run", "--url", url, "-m", "sim", "-c", "2,4", "-d", "30s", "--warmup", "0s"),
            *("-w", workers, "-q", "--abort-on", "error_rate>10% for 300ms"),
            cwd=tmp_path,
        )
    assert done.returncode == 12, done.stderr
    facts = json.loads((only_run(tmp_path) / "run.json").read_text(encoding="utf-8"))
    assert facts["ended"] == "aborted"
    assert "sim at 2 users: error_rate>10% for 300ms: it was" in facts["abort_reason"]
    assert len(facts["models"][0]["stages"]) == 1
    assert stage_of(tmp_path)["counts"]["measured"]["ok"] > 0
