"""An endpoint that misbehaves: each fault has its outcome and class, what is not struck is
measured, the books balance, and the run is over in time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tailrace.simulate import CATALOGUE, Script
from tests.command import MEASURED, clean_env, tailrace

from .struck import QUICK, REQUESTS, Struck, simulated, strike
from .table import EVERY_OTHER, OF_THE_WIRE, TABLE, Expected


def by_name(rows: list[Expected]) -> list[object]:
    return [pytest.param(row, id=row.fault) for row in rows]


def judge(struck: Struck, expected: Expected, classes: tuple[str, ...]) -> None:
    """What holds of every fault."""
    failed = [row for row in struck.rows if row.outcome != "ok"]
    assert {(row.outcome, row.error_class) for row in failed} <= {
        (expected.outcome, name) for name in classes
    }
    assert bool(failed) == bool(classes)
    assert all(row.error and len(row.error) < 500 and "\n" not in row.error for row in failed)
    everything = CATALOGUE[expected.fault].at == "connect"  # one user may have no other connection
    assert everything or len(failed) < len(struck.rows), "what is not struck is measured"
    assert struck.books.balanced()
    assert struck.books.started == len(struck.rows) == expected.options.get("requests", REQUESTS)
    assert struck.took_s < expected.within_s


@pytest.mark.parametrize("expected", by_name(TABLE))
def test_each_fault_has_its_class(tmp_path: Path, expected: Expected) -> None:
    struck = strike(expected.fault, tmp_path, expected.script, **expected.options)
    judge(struck, expected, expected.classes)
    if expected.script.get("fault_every") == 2 and expected.classes:
        failed = sum(row.outcome != "ok" for row in struck.rows)
        stale = expected.fault.startswith("stale")  # it strikes no first request of a connection
        assert failed == REQUESTS // 2 or stale


@pytest.mark.parametrize("expected", by_name([row for row in OF_THE_WIRE if row.httpx != ()]))
def test_stock_httpx_tells_the_same(tmp_path: Path, expected: Expected) -> None:
    struck = strike(
        expected.fault, tmp_path, expected.script, transport="httpx", **expected.options
    )
    judge(struck, expected, expected.httpx or expected.classes)


@pytest.mark.parametrize("expected", by_name(OF_THE_WIRE))
def test_without_the_kernels_stamps_it_is_the_same(tmp_path: Path, expected: Expected) -> None:
    struck = strike(expected.fault, tmp_path, expected.script, stamps="user", **expected.options)
    judge(struck, expected, expected.classes)


def test_the_table_holds_the_whole_catalogue() -> None:
    assert [row.fault for row in TABLE] == list(CATALOGUE)


@pytest.mark.parametrize("fault", ["truncated", "reset", "error_event", "stall", "half_close"])
def test_what_came_before_the_fault_is_kept(tmp_path: Path, fault: str) -> None:
    struck = [row for row in strike(fault, tmp_path).rows if row.outcome != "ok"]
    assert struck
    for row in struck:
        assert row.chunks == 3
        assert len(row.gaps_ns) == 2
        assert row.first_output_ns is not None
        assert row.token_source == "counted"


@pytest.mark.parametrize("fault", ["close_idle", "connection_close"])
def test_a_connection_that_closes_between_requests_is_opened_anew(
    tmp_path: Path, fault: str
) -> None:
    rows = strike(fault, tmp_path, {"fault_every": 1}).rows
    assert {row.outcome for row in rows} == {"ok"}
    assert {row.reused for row in rows} == {False}


@pytest.mark.parametrize("fault", ["stale_close", "stale_reset"])
def test_what_was_sent_on_a_kept_connection_is_not_sent_again(tmp_path: Path, fault: str) -> None:
    failed = [row for row in strike(fault, tmp_path).rows if row.outcome != "ok"]
    assert {(row.reused, row.attempt) for row in failed} == {(True, 1)}


def test_a_server_that_is_back_is_measured_again(tmp_path: Path) -> None:
    script = {"fault_every": 1, "fault_from": 5}
    struck = strike("restart", tmp_path, script, requests=None, duration_s=1.5)
    outcomes = [row.outcome for row in struck.rows]
    assert outcomes[0] == outcomes[-1] == "ok"
    assert "error" in outcomes


@pytest.mark.parametrize("fault", ["http_500", "refused", "black_hole", "line_100mib"])
def test_a_fault_from_the_first_request_on_ends_the_run_with_one_sentence(
    tmp_path: Path, fault: str
) -> None:
    with simulated(Script(fault=fault, **QUICK)) as url:
        done = tailrace(
            *("run", "--url", url, "-m", "sim", "-n", "4", "--warmup", "0s", "-q"),
            *("--idle-timeout", "300ms", "--connect-timeout", "1s"),
            cwd=tmp_path,
            timeout_s=15,
        )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr


def peak_bytes(folder: Path, url: str) -> int:
    """Most memory of a run of two users, in a process of its own."""
    command = ("run", "--url", url, "-m", "sim", "-c", "2", "-n", "8", "--warmup", "0s", "-q")
    process = subprocess.Popen(
        [sys.executable, "-m", "tailrace", *command],
        cwd=folder,
        env=clean_env(),
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in MEASURED
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no wait4")
def test_a_line_of_100_mib_is_never_held(tmp_path: Path) -> None:
    with simulated(Script(**QUICK)) as url:
        usual = peak_bytes(tmp_path, url)
    with simulated(Script(fault="line_100mib", **QUICK, **EVERY_OTHER)) as url:
        struck = peak_bytes(tmp_path, url)
    assert struck - usual < 2 * 20 * 2**20
