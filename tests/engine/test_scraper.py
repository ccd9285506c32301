"""The process that looks at a server, from its first message to the end of its input."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.scraper import CLOCKS_APART_NS, TIMEOUT_S, Orders, clock_shift_ns
from tailrace.results.server_log import ServerLog, parse_log
from tailrace.simulate import Script, background

from ..command import ROOT
from ..silent_metrics import silent_metrics


def orders(folder: Path, url: str | None, **more: Any) -> Orders:
    origin = Origin.take()
    made: dict[str, Any] = {
        "url": url,
        "headers": [],
        "interval_s": 0.1,
        "pid": "off",
        "pid_given": False,
        "base_url": "http://127.0.0.1:9/v1",
        "holder_pid": None,
        "folder": str(folder),
        "origin_perf_ns": origin.perf_ns,
        "sent_perf_ns": now_ns(),
        "sent_wall_ns": time.time_ns(),
    }
    return Orders(**(made | more))


class Scraping:
    """The process with its ends."""

    def __init__(self, first: Orders) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tailrace.engine.scraper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.tell(first)
        assert self.hear()["ready"]

    def tell(self, message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(message) + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        heard: dict[str, Any] = msgspec.json.decode(self.process.stdout.readline())
        return heard

    def end(self) -> float:
        """Close its input; returns how long it took to go."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        began = time.monotonic()
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()
        return time.monotonic() - began


def log_in(folder: Path) -> ServerLog:
    return parse_log((folder / "server.jsonl").read_bytes().splitlines(True), "log")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_looks_on_its_beat_and_when_asked(tmp_path: Path) -> None:
    with background(Script(metrics=True)) as url:
        scraping = Scraping(orders(tmp_path, url.removesuffix("/v1") + "/metrics"))
        scraping.tell({"look": 1})
        assert scraping.hear() == {"looked": 1, "missed": False}
        until(lambda: len(log_in(tmp_path).seen) > 5)
        scraping.end()
    log = log_in(tmp_path)
    assert log.software == "tailrace simulate"
    assert all(seen.common is not None for seen in log.seen)
    times = [seen.look.at_ns for seen in log.seen]
    assert times == sorted(times)
    assert 0 < times[0] < 20 * 10**9
    assert log.seen[-1].look.cpu_ns > 0


def test_it_goes_at_once_although_a_server_keeps_it_waiting(tmp_path: Path) -> None:
    with silent_metrics() as url:
        scraping = Scraping(orders(tmp_path, url))
        scraping.tell({"look": 1})
        time.sleep(0.1)  # it now waits for an answer that never comes
        assert scraping.end() < TIMEOUT_S


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX priorities")
def test_it_gives_way_to_the_load(tmp_path: Path) -> None:
    scraping = Scraping(orders(tmp_path, None))
    assert psutil.Process(scraping.process.pid).nice() == max(10, psutil.Process().nice())
    scraping.end()


def test_a_server_that_is_not_there_is_a_miss_with_its_reason(tmp_path: Path) -> None:
    scraping = Scraping(orders(tmp_path, "http://127.0.0.1:9/metrics"))
    scraping.tell({"look": 1})
    assert scraping.hear() == {"looked": 1, "missed": True}
    scraping.end()
    assert "ConnectError" in log_in(tmp_path).seen[0].look.miss


def test_it_takes_up_a_log_that_was_torn(tmp_path: Path) -> None:
    (tmp_path / "server.jsonl").write_bytes(b'{"kind":"lo')
    Scraping(orders(tmp_path, None)).end()
    log = log_in(tmp_path)
    assert (log.torn_lines, len(log.heads)) == (1, 1)


def test_a_process_that_is_gone_is_said(tmp_path: Path) -> None:
    Scraping(orders(tmp_path, None, pid=str(2**31 - 2), pid_given=True)).end()
    (head,) = log_in(tmp_path).heads
    assert head.notes == [f"there is no process {2**31 - 2} here"]


@pytest.mark.parametrize("apart_ns", [0, 1_000_000, CLOCKS_APART_NS + 10**9, -(10**12)])
def test_clocks_that_are_not_the_same_are_put_side_by_side(apart_ns: int) -> None:
    sent = orders(Path(), None, sent_perf_ns=10**12, sent_wall_ns=10**18)
    passed = 30_000_000
    found = clock_shift_ns(sent, 10**12 + passed + apart_ns, 10**18 + passed)
    assert found == (apart_ns if abs(apart_ns) > CLOCKS_APART_NS else 0)
