"""``tailrace calibrate``: which file a run finds, and a small calibration of this machine."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tailrace import cache, runner
from tailrace.cache import calibration_path, newest, read_calibration, write_calibration
from tailrace.calibrate import Plan, Sample, calibrate, plan_of, shares_of
from tailrace.display import Quiet
from tailrace.errors import ResultError, UsageError
from tailrace.results.calibration import Calibration, budget_from_dict
from tailrace.results.files import RunFolder
from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import endpoint

from .command import tailrace
from .results.builders import calibrated_level, calibration

HOST = calibration().host
ENGINE = calibration().engine
TINY = Plan("tiny", (1, 4), 0.3, 0.8, 0.4, token_streams=(8,), request_users=4)


def keep(folder: Path, stamp: str, **more: Any) -> Calibration:
    made = calibration(calibrated_level(1, 50_000), **more)
    write_calibration(made, calibration_path(stamp, folder))
    return made


def test_the_newest_that_fits_is_found(tmp_path: Path) -> None:
    assert newest(HOST, ENGINE, tmp_path / "none") is None
    assert newest(HOST, ENGINE, tmp_path) is None
    keep(tmp_path, "20261101T000000Z", wall_s=1.0)
    second = keep(tmp_path, "20261102T000000Z", wall_s=2.0)
    keep(tmp_path, "20261103T000000Z", host=HOST | {"cpu": "another"})
    keep(tmp_path, "20261104T000000Z", engine=ENGINE | {"stamps": "user-space read"})
    (tmp_path / "other-20261105T000000Z.json").write_text("{}", encoding="utf-8")
    assert newest(HOST | {"load_1m": 9.0}, ENGINE, tmp_path) == second
    assert newest(HOST, ENGINE | {"loop": "uvloop"}, tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "tailrace.calibration/1"}', "\udcff"])
def test_an_unreadable_one_is_passed_over(tmp_path: Path, text: str) -> None:
    kept = keep(tmp_path, "20261101T000000Z")
    torn = calibration_path("20261102T000000Z", tmp_path)
    torn.write_bytes(text.encode("utf-8", "surrogateescape"))
    calibration_path("20261103T000000Z", tmp_path).mkdir()
    assert newest(HOST, ENGINE, tmp_path) == kept
    with pytest.raises(ResultError, match="calibration-20261102T000000Z"):
        read_calibration(torn)


def test_it_is_kept_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "deep" / "tailrace")
    path = calibration_path("20261101T000000Z")
    assert path == tmp_path / "deep" / "tailrace" / "calibration-20261101T000000Z.json"
    write_calibration(calibration(), path)
    assert newest(HOST, ENGINE) == calibration()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="choose another file with --out"):
        write_calibration(calibration(), tmp_path / "file" / "c.json")


@pytest.mark.parametrize("out", [".", "none/c.json"])
def test_out_is_checked_before_anything_is_measured(tmp_path: Path, out: str) -> None:
    done = tailrace("calibrate", "--quick", "--out", out, cwd=tmp_path, timeout_s=10)
    assert done.returncode == 2
    assert done.stderr == f"tailrace: --out {out!r} must be a file in a folder that exists\n"


def test_cpu_is_counted_inside_the_window_only() -> None:
    samples = [Sample(at * 10, at * at, at) for at in range(11)]
    shares = shares_of(samples, {"from_ns": 15, "until_ns": 59}, 5)
    assert shares == ((36 - 4) / 40, 4 / 40)
    with pytest.raises(ResultError, match="too busy to be calibrated"):
        shares_of(samples, {"from_ns": 15, "until_ns": 22}, 0)


@pytest.mark.parametrize("quick", [True, False])
def test_both_forms_end_in_time(quick: bool) -> None:
    """Levels, their answers under way at the end, three cold requests, start and reports."""
    plan = plan_of(quick)
    timing_s = len(plan.streams) * (plan.warmup_s + plan.measure_s + 0.7)
    ceilings_s = (len(plan.token_streams) + 1) * (plan.warmup_s + plan.ceiling_s + 0.3)
    assert timing_s + ceilings_s + 3 < (20 if quick else 85)


def test_the_endpoint_tells_its_process() -> None:
    with endpoint() as served:
        assert served.pid != os.getpid()
        assert served.url.startswith("http://127.0.0.1:")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Calibration, Path, float]]:
    """A small calibration of this machine, in a cache of its own, and how long it took."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "cache_folder", lambda: folder)
        began = time.monotonic()
        found, path = calibrate(TINY, None, lambda _: None)
        yield found, path, time.monotonic() - began


@pytest.mark.realtime
def test_a_calibration_of_this_machine(tiny: tuple[Calibration, Path, float]) -> None:
    found, path, seconds = tiny
    assert seconds <= 30
    assert tuple(level.streams for level in found.levels) == TINY.streams
    for level in found.levels:
        for accuracy in (level.ttft, level.gap, level.e2e):
            assert accuracy.n > 0
            assert 0 <= abs(accuracy.median_ns) <= accuracy.p99_abs_ns <= accuracy.max_abs_ns
        assert abs(level.ttft.median_ns) < 5_000_000
        assert abs(level.gap.median_ns) < 5_000_000
        assert level.gap.n > 10 * level.ttft.n
        assert level.tokens_per_s > 0
        assert 0 < level.client_cpu < 2
    for ceiling in (found.ceilings.tokens_per_s, found.ceilings.requests_per_s):
        assert math.isfinite(ceiling.value)
        assert ceiling.value >= ceiling.reached > 0
        assert (ceiling.how == "measured") == (ceiling.limit == "client")
    assert 0 < found.ceilings.streams.reached <= TINY.streams[-1]
    assert read_calibration(path) == found
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "tailrace.calibration/1"


@pytest.mark.realtime
def test_the_next_run_embeds_it(
    tiny: tuple[Calibration, Path, float], sim_url: str, tmp_path: Path
) -> None:
    found, path, _ = tiny
    scenario = Scenario(sim_url, ("sim",), (Level(2, 0.0, None, 6),), max_tokens=16)
    finished = runner.run_scenario(scenario, tmp_path, None, (), Quiet())
    assert finished.facts.calibration == found.to_dict()
    (stage,) = finished.results[0]["stages"]
    budget = budget_from_dict(stage["error_budget"])
    assert budget is not None
    assert budget.calibrated_at == found.created_at
    before = {file: file.read_bytes() for file in finished.path.rglob("*") if file.is_file()}
    path.unlink()  # what a run knew is in the run
    RunFolder(finished.path).rebuild()
    assert {file: file.read_bytes() for file in before} == before
