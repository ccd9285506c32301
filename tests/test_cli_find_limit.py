"""``tailrace find-limit`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .command import tailrace

SLO = ("--slo", "ttft:p50<10s")
FEW = ("--probe-duration", "300ms", "--warmup", "0s", "-q")


def search(url: str, folder: Path, *options: str) -> tuple[int, Any, str]:
    done = tailrace("find-limit", "--url", url, "-m", "sim", *FEW, *options, cwd=folder)
    (run,) = (folder / "runs").iterdir()
    return done.returncode, json.loads((run / "limit.json").read_text("utf-8")), done.stdout


def test_all_that_was_asked_for_is_met(sim_url: str, tmp_path: Path) -> None:
    code, found, text = search(sim_url, tmp_path, "--users", "1..4", "--probes", "5", *SLO)
    assert code in (0, 11)
    assert "4 users is the highest that was asked for" in found["answer"]
    assert [probe["users"] for probe in found["probes"]][:3] == [1, 2, 4]
    assert "Limit: " in text
    (run,) = (tmp_path / "runs").iterdir()
    before = (run / "limit.json").read_bytes()
    again = tailrace("report", str(run), cwd=tmp_path)
    assert again.returncode == code
    assert (run / "limit.json").read_bytes() == before
    resumed = tailrace("run", "--resume", str(run), cwd=tmp_path)
    assert resumed.returncode == 2


def test_nothing_is_met(sim_url: str, tmp_path: Path) -> None:
    slo = ("--slo", "ttft:p50<1us", "--probes", "4")
    code, found, _ = search(sim_url, tmp_path, "--rate", "20..80", *slo)
    assert code in (10, 11)
    assert found["answer"].startswith("not even 20/s meets the objectives")
    assert found["found"] is False


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--users", "1..4"), "find-limit needs objectives; give --slo"),
        (SLO, "find-limit needs --users FIRST..LAST or --rate FIRST..LAST"),
        ((*SLO, "--users", "1..4", "--rate", "1..4"), "one of them"),
        ((*SLO, "--users", "4"), "--users '4' is not a range; write it like 1..256"),
        ((*SLO, "--users", "4..4"), "must rise from more than nothing"),
        ((*SLO, "--users", "1.5..4"), "not a range of whole numbers"),
        ((*SLO, "--rate", "0.000001..4"), "is too wide: at most 1000000 steps"),
        ((*SLO, "--users", "1..4", "-c", "3"), "leave --concurrency out"),
        ((*SLO, "--users", "1..4", "--rounds", "3"), "leave --rounds out"),
        ((*SLO, "--users", "1..4", "-w", "2"), "leave --workers out"),
        ((*SLO, "--users", "1..4", "--probe-duration", "x"), "--probe-duration 'x' is not a dur"),
        ((*SLO, "--users", "1..4", "-m", "b"), "one model at a time"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    done = tailrace("find-limit", "--url", "http://127.0.0.1:9", "-m", "a", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
