"""Workers in processes of their own: their shares are the whole, and a lost one is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from tailrace.display import Quiet
from tailrace.results.files import RunFolder
from tailrace.results.hist import rank_of
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.rates import Arrivals, RatePhase
from tailrace.simulate import Script, background

TOKENS = 8


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    script = Script(ttft_ns=30_000_000, gap_ns=3_000_000, tokens=TOKENS, jitter=0.2)
    with background(script) as url:
        yield url


def run(url: str, out: Path, level: Level, workers: int) -> Finished:
    httpx.delete(url.removesuffix("/v1") + "/truth")
    scenario = Scenario(url, ("sim",), (level,), max_tokens=TOKENS, workers=workers, drain_s=5.0)
    return run_scenario(scenario, out, None, (), Quiet())


def rows_of(finished: Finished) -> list[Row]:
    lines = (finished.path / "sim" / "requests.jsonl").read_bytes().splitlines()
    return [row for row in (parse_row(line, "") for line in lines) if row.stage == 0]


@pytest.fixture(scope="module")
def held(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, list[Row], int]:
    """Seven users and fifty requests over three workers, and the most the endpoint saw at once."""
    level = Level(7, 0.0, None, 50)
    finished = run(url, tmp_path_factory.mktemp("runs"), level, 3)
    most = httpx.get(url.removesuffix("/v1") + "/truth?requests=0").json()["max_in_flight"]
    return finished, rows_of(finished), most


def test_the_shares_are_the_whole(held: tuple[Finished, list[Row], int]) -> None:
    finished, rows, most = held
    (stage,) = finished.facts.models[0].stages
    assert most == 7
    assert len(rows) == stage.books.planned == stage.books.ok == 50
    assert len({row.id for row in rows}) == 50
    assert {row.user for row in rows} == set(range(7))
    assert stage.books.balanced()
    assert [part.users for part in stage.parts] == [3, 2, 2]
    assert sum(part.books.ok for part in stage.parts) == 50
    assert stage.max_in_flight == 7
    assert finished.facts.engine["workers"] == 3
    assert finished.facts.ended == "complete"


def test_the_journal_is_one_in_the_order_of_the_ends(
    held: tuple[Finished, list[Row], int],
) -> None:
    finished, rows, _ = held
    assert [path.name for path in (finished.path / "sim").glob("requests*")] == ["requests.jsonl"]
    ends = [row.ended_ns for row in rows]
    assert np.mean(np.diff(ends) >= 0) > 0.9  # each worker's own order decides between its rows


def test_percentiles_are_those_of_all_samples(held: tuple[Finished, list[Row], int]) -> None:
    finished, rows, _ = held
    metric = finished.results[0]["stages"][0]["metrics"]["ttft"]
    samples = sorted((row.first_output_ns or 0) - (row.sent_ns or 0) for row in rows)
    assert (metric["n"], metric["min_ns"], metric["max_ns"]) == (50, samples[0], samples[-1])
    for percent in (50, 90, 99):
        exact = samples[rank_of(percent, 50) - 1]
        value = metric["percentiles"][f"p{percent}"]["value_ns"]
        assert exact <= value <= exact * 1.001 + 1


def test_each_worker_is_audited_by_name(held: tuple[Finished, list[Row], int]) -> None:
    names = [finding["name"] for finding in held[0].results[0]["stages"][0]["audit"]]
    assert [f"client CPU (worker {number})" in names for number in (1, 2, 3)] == [True] * 3


def test_rebuilding_gives_the_same_bytes(held: tuple[Finished, list[Row], int]) -> None:
    folder = held[0].path
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    RunFolder(folder).rebuild()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_arrivals_of_all_workers_together_are_the_one_process(url: str, tmp_path: Path) -> None:
    arrivals = Arrivals((RatePhase(120.0, 120.0, None),), "poisson")
    level = Level(None, 0.0, 3.0, None, arrivals=arrivals)
    finished = run(url, tmp_path, level, 3)
    (stage,) = finished.facts.models[0].stages
    assert stage.arrivals is not None
    assert stage.arrivals["n"] == stage.books.planned == len(rows_of(finished))
    assert stage.arrivals["ks_p"] > 1e-4
    assert 0.5 < stage.arrivals["dispersion"] < 1.7
    assert {row.user for row in rows_of(finished)} == set(range(stage.books.planned))


def is_worker(child: psutil.Process) -> bool:
    try:
        return "tailrace.engine.worker_process" in child.cmdline()
    except psutil.Error:  # another helper of the run, which has ended meanwhile
        return False


def kill_one_worker(out: Path) -> threading.Thread:
    """Kill this process's second worker as soon as one of its requests has ended."""

    def strike() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            workers = [child for child in psutil.Process().children() if is_worker(child)]
            if len(workers) == 3 and any(
                p.stat().st_size for p in out.glob("*/*/requests.2.jsonl")
            ):
                sorted(workers, key=lambda child: child.pid)[1].kill()
                return
            time.sleep(0.01)

    thread = threading.Thread(target=strike)
    thread.start()
    return thread


@pytest.mark.skipif(sys.platform == "win32", reason="a signal's number is POSIX's")
def test_a_killed_worker_is_named_and_the_rest_is_merged(url: str, tmp_path: Path) -> None:
    thread = kill_one_worker(tmp_path)
    scenario = Scenario(
        url,
        ("sim",),
        (Level(6, 0.0, 4.0, None), Level(6, 0.0, 4.0, None)),
        max_tokens=TOKENS,
        workers=3,
        drain_s=5.0,
    )
    began = time.monotonic()
    finished = run_scenario(scenario, tmp_path, None, (), Quiet())
    thread.join()
    assert time.monotonic() - began < 15  # the second level was not begun
    assert finished.exit_code == 11
    (lost,) = finished.facts.lost_workers
    assert lost == f"sim at 6 users: worker 2 was killed by signal {signal.SIGKILL.value}"
    assert not finished.verdict.valid
    assert any(lost in reason for reason in finished.verdict.reasons)
    assert len(finished.facts.models[0].stages) == 1
    users = {row.user for row in rows_of(finished)}
    assert {0, 2, 3, 5} <= users  # the survivors'
    assert {1, 4} & users  # and what the lost one had finished


def count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_the_parents_death_ends_the_workers(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tailrace", "run", "--url", url, "-m", "sim", "-c", "4"]
    command += ["-d", "60s", "--warmup", "0s", "-w", "2", "--quiet"]
    root = str(Path(__file__).resolve().parents[2])
    env = os.environ | {"PYTHONPATH": root}
    process = subprocess.Popen(command, cwd=tmp_path, env=env)
    workers: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(workers) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        workers = psutil.Process(process.pid).children()
    assert len(workers) == 2
    while sum(map(count_lines, tmp_path.rglob("*.jsonl"))) < 10 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    (folder,) = (tmp_path / "runs").iterdir()
    facts, results, verdict = RunFolder(folder).rebuild()
    assert not verdict.valid  # the run did not end
    assert results[0]["stages"][0]["counts"]["journal"]["ok"] > 0
    assert facts.ended is None
    run_json = json.loads((folder / "run.json").read_bytes())
    assert run_json["engine"]["workers"] == 2


@pytest.mark.parametrize("number", [1, 3])
def test_more_workers_than_users_is_as_many_workers_as_users(
    url: str, tmp_path: Path, number: int
) -> None:
    finished = run(url, tmp_path, Level(number, 0.0, None, 8), workers=4)
    assert finished.exit_code in (0, 11)
    (stage,) = finished.results[0]["stages"]
    assert stage["counts"]["measured"]["ok"] == stage["counts"]["books"]["planned"] == 8
    assert stage["in_flight"]["max"] == number
    users = {row.user for row in rows_of(finished) if row.stage == 0}
    assert users == set(range(number))


def test_more_workers_than_an_open_loop_lets_in(url: str, tmp_path: Path) -> None:
    arrivals = Arrivals((RatePhase(50.0, 50.0, None),), "constant")
    level = Level(None, 0.0, None, 12, arrivals=arrivals, max_in_flight=1)
    finished = run(url, tmp_path, level, workers=3)
    (stage,) = finished.results[0]["stages"]
    assert stage["counts"]["measured"]["ok"] == 12
    assert stage["in_flight"]["max"] == 1


def test_shares_within_a_level_add_up() -> None:
    from tailrace.engine.load import Share

    for users in range(1, 6):
        for of in range(1, 9):
            shares = [Share(worker, of).within(Level(users, 0.0, None, 50)) for worker in range(of)]
            assert sum(share.count(50) for share in shares) == 50
            assert sum(share.count(users) for share in shares) == users
            assert all(bool(share.count(50)) == bool(share.count(users)) for share in shares)


def test_a_share_of_a_cap_and_of_requests_adds_up() -> None:
    from tailrace.engine.load import Share, bounds_of

    level = replace(Level(7, 0.0, None, 50))
    for of in range(1, 9):
        shares = [Share(worker, of) for worker in range(of)]
        assert sum(share.count(7) for share in shares) == 7
        bounds = [bounds_of(level, share, 0, 1.0) for share in shares]
        assert sum(each.requests or 0 for each in bounds) == 50
