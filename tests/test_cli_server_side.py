"""``tailrace run`` that looks at its server: exact counts, and what a bad server does to it."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tailrace.results.server_log import ServerLog, parse_log
from tailrace.simulate import Script
from tailrace.simulate.launch import Endpoint, endpoint

from .command import MEASURED, start_tailrace, tailrace
from .queue_of_models import served, write_models
from .silent_metrics import silent_metrics
from .test_cli_run import load, only_run

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

FAST = Script(ttft_ns=20_000_000, gap_ns=4_000_000, tokens=24, slots=2, metrics=True)
SOON = ("--server-metrics-interval", "200ms")


@pytest.fixture(scope="module")
def watched() -> Iterator[Endpoint]:
    """An endpoint that tells its metrics."""
    with endpoint(FAST) as found:
        yield found


def log_of(run: Path, model: str = "sim") -> ServerLog:
    return parse_log((run / model / "server.jsonl").read_bytes().splitlines(True), "log")


def run_on(url: str, folder: Path, *more: str) -> Any:
    done = tailrace("run", "--url", url, "-m", "sim", "--warmup", "0s", "-q", *more, cwd=folder)
    assert done.returncode in MEASURED, done.stderr
    return done


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_servers_count_is_the_clients(watched: Endpoint, tmp_path: Path, workers: str) -> None:
    done = run_on(
        watched.url, tmp_path, "-c", "2,5", "-d", "1200ms", "--warmup", "300ms", *SOON,
        "--workers", workers,
    )  # fmt: skip
    run = only_run(tmp_path)
    result = load(run / "sim" / "result.json")
    assert result["server"]["software"] == "tailrace simulate"
    assert (result["server"]["pid"], result["server"]["clock"]) == (watched.pid, "perf_counter")
    for stage in result["stages"]:
        found = stage["server"]
        assert found["generated_tokens"] == found["client_output_tokens"] > 100
        assert found["prompt_tokens"] == found["client_input_tokens"]
        assert found["running"]["max"] == 2
        assert found["process"]["rss_max_bytes"] > 10_000_000
        (line,) = [each for each in stage["audit"] if each["name"] == "server's tokens"]
        assert line["status"] == "ok", line
    assert result["stages"][1]["server"]["waiting"]["max"] == 3
    shown = " ".join(done.stdout.split())
    assert re.search(r"server sim, 5 users: running [12]\.\d\d \(max 2\), waiting [23]\.", shown)
    files = [run / name for name in ("report.html", "report.md", "summary.csv", "run.json")]
    before = [path.read_bytes() for path in (*files, run / "sim" / "result.json")]
    tailrace("report", str(run), cwd=tmp_path)
    assert [path.read_bytes() for path in (*files, run / "sim" / "result.json")] == before


def test_someone_else_who_asks_the_server_is_noticed(watched: Endpoint, tmp_path: Path) -> None:
    other = start_tailrace(
        *("run", "--url", watched.url, "-m", "sim", "--warmup", "0s", "-q", "-d", "9s"),
        *("-c", "2", "--server-metrics", "off", "--out", "other"),
        cwd=tmp_path,
    )
    try:
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob("other/*/sim/requests.jsonl")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run_on(watched.url, tmp_path, "-n", "6", *SOON)
    finally:
        other.send_signal(signal.SIGTERM)
        other.communicate(timeout=30)
    (stage,) = load(only_run(tmp_path) / "sim" / "result.json")["stages"]
    (line,) = [each for each in stage["audit"] if each["name"] == "server's tokens"]
    assert stage["server"]["generated_tokens"] > stage["server"]["client_output_tokens"]
    assert "other requests" in line["why"] or line["status"] == "warn"


def test_off_and_a_server_without_metrics_leave_nothing(
    watched: Endpoint, sim_url: str, tmp_path: Path
) -> None:
    run_on(watched.url, tmp_path, "-n", "3", "--server-metrics", "off", "--name", "a")
    run_on(sim_url, tmp_path, "-n", "3", "--name", "b")
    for run in (tmp_path / "runs").iterdir():
        assert not (run / "sim" / "server.jsonl").exists()
        assert "server" not in load(run / "sim" / "result.json")


def test_only_the_process_of_a_server_without_metrics(sim_url: str, tmp_path: Path) -> None:
    done = run_on(sim_url, tmp_path, "-d", "800ms", "--server-pid", "auto", *SOON)
    result = load(only_run(tmp_path) / "sim" / "result.json")
    assert result["server"]["url"] is None
    assert result["stages"][0]["server"]["process"]["rss_max_bytes"] > 10_000_000
    assert "server   sim, 1 user: CPU" in done.stdout


def test_a_process_by_its_number(watched: Endpoint, tmp_path: Path) -> None:
    run_on(watched.url, tmp_path, "-n", "3", "--server-pid", str(os.getpid()), *SOON)
    server = load(only_run(tmp_path) / "sim" / "result.json")["server"]
    assert (server["pid"], server["pid_by"]) == (os.getpid(), "--server-pid")


def test_the_process_of_a_model_that_is_served_for_the_run(tmp_path: Path) -> None:
    name = write_models(tmp_path, {"own": served("--metrics")})
    done = tailrace(
        *("run", "--models-file", name, "-d", "900ms", "--warmup", "0s", "-q", *SOON),
        cwd=tmp_path,
    )
    assert done.returncode in MEASURED, done.stderr
    result = load(only_run(tmp_path) / "own" / "result.json")
    assert result["server"]["pid_by"] == "started for this run"
    (stage,) = result["stages"]
    assert stage["server"]["process"]["processes_max"] == 1  # not the guard that holds it
    assert stage["server"]["generated_tokens"] == stage["server"]["client_output_tokens"] > 0


def test_each_model_has_a_log_of_its_own(tmp_path: Path) -> None:
    with endpoint(Script(ttft_ns=0, gap_ns=1_000_000, models=("sim", "b"), metrics=True)) as found:
        run_on(found.url, tmp_path, "-m", "b", "-n", "4")
    run = only_run(tmp_path)
    for model in ("sim", "b"):
        (stage,) = load(run / model / "result.json")["stages"]
        found = stage["server"]
        assert found["generated_tokens"] == found["client_output_tokens"] > 0


@pytest.mark.parametrize("dripping", [False, True])
def test_metrics_that_never_end_do_not_hold_the_run_up(
    sim_url: str, tmp_path: Path, dripping: bool
) -> None:
    with silent_metrics(dripping=dripping) as url:
        began = time.monotonic()
        run_on(sim_url, tmp_path, "-d", "500ms", "-c", "1,1,1", "--server-metrics", url)
        took_s = time.monotonic() - began
    run = only_run(tmp_path)
    log = log_of(run)
    assert log.seen
    assert {seen.look.miss for seen in log.seen} == {"timed out"}
    stages = load(run / "run.json")["models"][0]["stages"]
    held_s = (stages[-1]["ended_ns"] - stages[0]["began_ns"]) / 1e9
    assert held_s < 10, (held_s, took_s)
    assert took_s < 30
    audit = load(run / "sim" / "result.json")["stages"][0]["audit"]
    assert "server metrics" in {each["name"] for each in audit}


def test_metrics_that_are_not_there_although_named(sim_url: str, tmp_path: Path) -> None:
    url = sim_url.removesuffix("/v1") + "/nothing"
    run_on(sim_url, tmp_path, "-d", "900ms", "--server-metrics", url, *SOON)
    run = only_run(tmp_path)
    assert {seen.look.miss for seen in log_of(run).seen} == {"HTTP 404"}
    (stage,) = load(run / "sim" / "result.json")["stages"]
    (line,) = [each for each in stage["audit"] if each["name"] == "server metrics"]
    assert line["status"] == "warn"


def scrapers_of(pid: int) -> list[psutil.Process]:
    found = psutil.Process(pid).children(recursive=True)
    return [each for each in found if "tailrace.engine.scraper" in each.cmdline()]


def until(condition: Callable[[], Any], within_s: float = 20.0) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    return found


@posix_only
def test_it_ends_with_a_run_that_is_killed_and_the_run_can_be_resumed(
    watched: Endpoint, tmp_path: Path
) -> None:
    running = start_tailrace(
        *("run", "--url", watched.url, "-m", "sim", "--warmup", "0s", "-c", "1,2"),
        *("-d", "1500ms", *SOON),
        cwd=tmp_path,
    )
    until(lambda: list(tmp_path.glob("runs/*/sim/server.jsonl")))
    run = only_run(tmp_path)
    until(lambda: len(load(run / "run.json")["models"][0]["stages"]) == 2)
    (scraper,) = scrapers_of(running.pid)
    running.kill()
    running.communicate()
    until(lambda: not scraper.is_running() or scraper.status() == psutil.STATUS_ZOMBIE)
    with (run / "sim" / "server.jsonl").open("ab") as file:
        file.write(b'{"kind":"look","at_')  # as a machine that lost its power would leave it
    done = tailrace("run", "--resume", str(run), "-q", cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    log = log_of(run)
    assert (len(log.heads), log.torn_lines) == (2, 1)
    for stage in load(run / "sim" / "result.json")["stages"]:
        found = stage["server"]
        assert found["generated_tokens"] == found["client_output_tokens"] > 0
        assert found["looks"] > 3


@posix_only
def test_a_first_ctrl_c_drains_and_the_count_is_still_right(
    watched: Endpoint, tmp_path: Path
) -> None:
    running = start_tailrace(
        *("run", "--url", watched.url, "-m", "sim", "--warmup", "0s", "-d", "60s", "-q", *SOON),
        cwd=tmp_path,
    )
    until(lambda: list(tmp_path.glob("runs/*/sim/server.jsonl")))
    run = only_run(tmp_path)
    until(lambda: len(log_of(run).told) > 4)
    (scraper,) = scrapers_of(running.pid)
    os.kill(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert not scraper.is_running()
    (stage,) = json.loads((run / "sim" / "result.json").read_bytes())["stages"]
    assert stage["server"]["generated_tokens"] == stage["server"]["client_output_tokens"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--server-metrics", "yes"), "--server-metrics 'yes' is neither auto nor off nor a URL"),
        (("--server-metrics", "ftp://h/m"), "--server-metrics 'ftp://h/m' is not a URL like"),
        (("--server-metrics", "http://h/m?key=1"), "must not hold a secret (key=…)"),
        (("--server-metrics", "http://u:p@h/m"), "must not hold a user or password"),
        (("--server-metrics-interval", "1ms"), "'1ms' is not from 100ms to 3600s"),
        (("--server-metrics-interval", "soon"), "--server-metrics-interval"),
        (("--server-pid", "me"), "--server-pid 'me' is neither auto nor off nor a process number"),
        (("--server-pid", "0"), "--server-pid '0' is neither"),
        (("--server-pid", "2147483646"), "--server-pid 2147483646: there is no such process here"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = tailrace("run", "--url", "http://127.0.0.1:9", "-m", "m", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_key_is_in_no_log(tmp_path: Path) -> None:
    with endpoint(Script(ttft_ns=0, gap_ns=0, api_key="k", metrics=True)) as found:
        env = {"OPENAI_API_KEY": "k"}
        arguments = ("run", "--url", found.url, "-m", "sim", "--warmup", "0s", "-n", "2", "-q")
        done = tailrace(*arguments, cwd=tmp_path, env=env)
    assert done.returncode in MEASURED, done.stderr
    run = only_run(tmp_path)
    assert log_of(run).told
    assert b'"k"' not in (run / "sim" / "server.jsonl").read_bytes()
