"""The two lines of the audit about the server's view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace.results.audit import Finding
from tailrace.results.server_audit import COST, COUNT, audit_server
from tailrace.results.server_client import Totals
from tailrace.results.server_log import ServerLog
from tailrace.results.server_stage import around, stage_server

from .builders import finding_lines
from .golden_files import assert_golden, told_apart
from .server_looks import log_of, look
from .test_server_stage import TWO


def findings(log: ServerLog, totals: Totals) -> dict[str, Finding]:
    found = stage_server(log, TWO, 0, totals)
    return {each.name: each for each in audit_server(found, around(log, TWO, 0), totals)}


def counted(by_server: int, **before: Any) -> ServerLog:
    return log_of(
        look(9.9, generated=1000, **before),
        look(15, generated=1100),
        look(20.1, generated=1000 + by_server),
    )


@pytest.mark.parametrize(
    ("log", "totals", "status", "words"),
    [
        (counted(500), Totals(output_tokens=500), "ok", "at most 2.0 % apart"),
        (counted(509), Totals(output_tokens=500), "ok", "at most"),
        (counted(511), Totals(output_tokens=500), "warn", "others ask this server"),
        (counted(480), Totals(output_tokens=500), "warn", "does not count"),
        (counted(900, running=2), Totals(output_tokens=500), "ok", "2 other requests"),
        (counted(900, waiting=1), Totals(output_tokens=500), "ok", "1 other requests"),
        (counted(900), Totals(output_tokens=500, not_ok=3), "ok", "3 requests did not end ok"),
        (counted(900), Totals(output_tokens=500, not_told=4), "ok", "of 4 answers"),
        (counted(9), Totals(output_tokens=5), "ok", "too few"),
        (log_of(look(9.9, generated=9)), Totals(output_tokens=500), "ok", "both sides"),
    ],
)
def test_tokens_by_the_server_and_by_the_client(
    log: ServerLog, totals: Totals, status: str, words: str
) -> None:
    found = findings(log, totals)[COUNT]
    assert (found.status, words in found.why) == (status, True), found


def test_a_server_that_counts_no_tokens_has_no_such_line() -> None:
    log = log_of(look(9.9, running=0), look(15, running=2), look(20.1, running=0))
    assert set(findings(log, Totals(output_tokens=500))) == {COST}


def test_what_looking_cost() -> None:
    quick = [look(11 + n, running=1, took_ns=2_000_000, bytes=1500) for n in range(8)]
    found = findings(log_of(*quick), Totals())[COST]
    assert found.status == "ok"
    assert found.value.startswith("8 looks, 0 missed, scrape p50 2.00 ms, max 2.00 ms, 1.50 kB")


def test_missed_looks_are_a_warning() -> None:
    looks = [look(11 + n, running=1) for n in range(7)] + [look(18, miss="timed out")]
    found = findings(log_of(*looks), Totals())[COST]
    assert (found.status, "1 missed" in found.value) == ("warn", True)


def test_dear_looks_are_a_warning() -> None:
    looks = [look(11 + n, running=1, cpu_ns=n * 100_000_000) for n in range(8)]
    found = findings(log_of(*looks), Totals())[COST]
    assert (found.status, "--server-metrics-interval" in found.why) == ("warn", True)


def test_a_level_shorter_than_the_beat() -> None:
    assert findings(log_of(), Totals())[COST].value == "no look"


def cost(**more: Any) -> dict[str, Any]:
    found = {"scrape_p50_ns": 2_000_000, "scrape_max_ns": 3_000_000, "bytes_max": 1_500}
    return found | {"cpu_s": 0.25, "cpu": 0.05} | more


MADE: dict[str, Any] = {"looks": 10, "missed": 1, "cost": cost(), "generated_tokens": 500.0}
OTHERS = {"running": 2.0, "waiting": 1.0}
WORDS: dict[str, tuple[dict[str, Any], Totals, dict[str, float]]] = {
    "well": ({}, Totals(output_tokens=500), {}),
    "no look": ({"cost": None}, Totals(output_tokens=500), {}),
    "nothing is known of the time": ({"cost": cost(scrape_p50_ns=None)}, Totals(), {}),
    "nothing is known of the CPU": ({"cost": cost(cpu=None)}, Totals(), {}),
    "more than a tenth missed": ({"missed": 2, "cost": cost(cpu=0.5)}, Totals(), {}),
    "more than a twentieth of a core": ({"cost": cost(cpu=0.051)}, Totals(), {}),
    "no count": ({"generated_tokens": None}, Totals(output_tokens=500), {}),
    "others, failed, not told": ({}, Totals(output_tokens=5, not_ok=2, not_told=3), OTHERS),
    "failed, not told": ({}, Totals(output_tokens=5, not_ok=2, not_told=3), {}),
    "not told": ({}, Totals(output_tokens=5, not_told=3), {}),
    "49 tokens": ({"generated_tokens": 49.0}, Totals(output_tokens=2), {}),
    "50 tokens": ({"generated_tokens": 50.0}, Totals(output_tokens=2), {}),
    "50 of the client's": ({"generated_tokens": 1.0}, Totals(output_tokens=50), {}),
    "2 % less": ({"generated_tokens": 490.0}, Totals(output_tokens=500), {}),
    "2 % more": ({"generated_tokens": 510.0}, Totals(output_tokens=500), {}),
    "a little less": ({"generated_tokens": 489.0}, Totals(output_tokens=500), {}),
    "none of the client's": ({"generated_tokens": 60.0}, Totals(), {}),
}


def test_both_lines_word_for_word() -> None:
    """Of each case, the lines that a level that is well does not have."""

    def told(changes: dict[str, Any], totals: Totals, before: dict[str, float]) -> list[str]:
        first = look(9.9, generated=1000, **before)
        log = log_of(first, look(20.1, generated=1500))
        return finding_lines(audit_server(MADE | changes, around(log, TWO, 0), totals))

    text = told_apart({title: told(*case) for title, case in WORDS.items()})
    assert_golden(Path(__file__).with_name("golden") / "audit_server.txt", text)
