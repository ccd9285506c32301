"""How many of a burst were decoded at a time, and what that asks for."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.check_burst import BurstLook, burst_rows
from tailrace.results.checks import Check
from tailrace.results.schema import Outcome, Row
from tailrace.results.server_kind import ServerName

MS = 1_000_000
NAMELESS = ServerName()


def answered(slots: int, users: int) -> list[Row]:
    """Answers of 100 ms, as a server with so many slots makes them."""
    rows = []
    for number in range(users):
        first_ns = (10 + 101 * (number // slots)) * MS
        times = {"first_output_ns": first_ns, "last_output_ns": first_ns + 100 * MS}
        rows.append(Row(f"r{number}", -1, 0, "cold", 0, **times))
    return rows


def failed(error_class: str, outcome: Outcome = "error") -> Row:
    return Row("f", -1, 0, "cold", 0, outcome=outcome, error_class=error_class, error="so it said")


def row_of(rows: list[Row], users: int = 8, asked: int = 8, **more: Any) -> Check:
    server = more.pop("server", NAMELESS)
    (row,) = burst_rows(BurstLook("model m", users, asked, rows, server, **more))
    return row


@pytest.mark.parametrize(
    ("slots", "status"), [(1, "warn"), (2, "warn"), (4, "warn"), (7, "warn"), (8, "ok"), (16, "ok")]
)
def test_hidden_slots_are_found(slots: int, status: str) -> None:
    row = row_of(answered(slots, 8))
    wanted = "ok" if slots == 7 else status  # 7 of 8 is above the audit's limit
    assert row.status == wanted
    assert row.found == f"decodes {min(slots, 8)} of 8 at a time"


def test_the_servers_own_word_agrees_or_not() -> None:
    llama = ServerName("llama.cpp", slots=2, slots_from="/props total_slots")
    row = row_of(answered(2, 8), server=llama)
    assert row.found == "decodes 2 of 8 at a time, agrees with /props total_slots 2"
    assert row.fix.startswith("raise --parallel (-np) of llama-server to 8")
    assert "while it states /props total_slots 2" in row_of(answered(4, 8), server=llama).found


def test_a_burst_that_is_smaller_than_the_load_still_tells_of_its_slots() -> None:
    vllm = ServerName("vLLM", slots=64, slots_from="/metrics")
    row = row_of(answered(64, 64), 64, 200, server=vllm)
    assert (row.status, "200 asked" in row.found) == ("warn", True)
    assert "raise --max-num-seqs of vLLM to 200" in row.fix
    assert row_of(answered(64, 64), 64, 200).status == "ok"


def test_failures_of_a_burst_are_red() -> None:
    rows = [*answered(8, 5), failed("http_429"), failed("http_429"), failed("t", "timeout")]
    row = row_of(rows)
    assert row.status == "fail"
    assert row.found == "3 of 8 failed: http_429 2 times, t 1 times: so it said"
    assert "fewer users" in row.fix


def test_what_was_cut_off_is_said_and_not_held_against_it() -> None:
    cut = Row("c", -1, 0, "cold", 0, outcome="cancelled")
    row = row_of([*answered(8, 7), cut], problem="1 cut off by --within")
    assert (row.status, row.found) == ("ok", "decodes 7 of 8 at a time (1 cut off by --within)")


def test_a_burst_that_was_not_sent_is_yellow() -> None:
    row = row_of([], problem="not sent: the time of --within is over")
    assert (row.status, row.fix) == ("warn", "give check more time with --within")


def test_whole_answers_do_not_tell() -> None:
    row = row_of([Row("w", -1, 0, "cold", 0)] * 8, streamed=False)
    assert (row.status, "do not tell" in row.found) == ("ok", True)
