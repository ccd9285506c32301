"""What bench/soak.py calls a leak, on notes that are made up."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    """By its path; it finds the harness beside it."""
    sys.path.insert(0, str(BENCH))
    try:
        spec = importlib.util.spec_from_file_location("bench_soak", BENCH / "soak.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCH))
    return module


def leaks(
    soak: ModuleType,
    mb_an_hour: float,
    fds_an_hour: float,
    first_mb: float = 0,
    objects_an_hour: float = 0,
) -> list[str]:
    """The series that leak in an hour of notes; ``first_mb`` come in the first fifth."""
    dice = Random(1)
    notes = []
    for at_s in range(0, 3600, 10):
        rss_mb = 70 + mb_an_hour * at_s / 3600 + first_mb * min(1, at_s / 700) + dice.gauss(0, 1)
        fds = 30 + int(fds_an_hour * at_s / 3600) + dice.randrange(4)
        objects = 21_000 + int(objects_an_hour * at_s / 3600 + dice.gauss(0, 500))
        notes.append(soak.Note(float(at_s), rss_mb, fds, 20, objects))
    return [name for name, _, leaking in soak.verdicts(notes) if leaking]


def test_a_leak_is_told_from_noise_and_from_a_first_rise(soak: ModuleType) -> None:
    assert leaks(soak, 0, 0) == []
    assert leaks(soak, 2, 3) == []
    assert leaks(soak, 0, 0, first_mb=30) == []
    assert leaks(soak, 20, 0) == ["RSS MB"]
    assert leaks(soak, 0, 30) == ["fds"]
    assert leaks(soak, 0, 0, objects_an_hour=3_000) == ["objects"]


def test_a_run_too_short_for_a_verdict_is_refused(
    soak: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["soak.py", "--minutes", "6"])
    with pytest.raises(SystemExit) as ended:
        soak.main()
    assert ended.value.code == 2
    assert "--minutes 6 is too short: it takes 20" in capsys.readouterr().err


def test_the_open_loop_begins_with_a_rush(soak: ModuleType) -> None:
    (level,) = soak.scenario("open", ["http://h/v1"], 1200.0).levels
    first, rest = level.arrivals.phases
    assert (first.from_per_s, first.duration_s) == (100.0, 120.0)
    assert (rest.from_per_s, rest.duration_s) == (20.0, None)


def test_a_line_and_its_error(soak: ModuleType) -> None:
    assert soak.slope([0, 10, 20], [1, 2, 3]) == pytest.approx((360.0, 0.0))
    steep, error = soak.slope([0, 3600, 7200, 10800], [0, 2, 1, 3])
    assert (steep, error) == pytest.approx((0.8, 0.4243), abs=1e-4)
    with pytest.raises(ValueError, match="soak longer"):
        soak.slope([0, 1], [0, 1])
