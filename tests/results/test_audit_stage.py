"""Findings of a stage, each on both sides of its threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tailrace.results.audit import Finding
from tailrace.results.audit_stage import audit_stage, has_nagle_mode, least_share
from tailrace.results.decoding import decoded_at_once
from tailrace.results.facts import ModelFacts, StageFacts
from tailrace.results.hist import Hist
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.schema import Row
from tailrace.results.spread import Spread
from tailrace.results.stamp_facts import StampFacts
from tailrace.results.tally import Tally
from tailrace.results.verdict import judge

from .builders import document, facts, row, stage

MS = 1_000_000


def audited(
    rows: list[Row], stamps: StampFacts | None = None, keep_spans: bool = False, **more: Any
) -> list[Finding]:
    facts = stage(rows, **more)
    if stamps is not None:
        facts = replace(facts, stamps=stamps)
    tally = Tally(keep_spans=keep_spans)
    for each in rows:
        tally.add(each)
    return audit_stage(facts, tally)


def findings(*arguments: Any, **more: Any) -> dict[str, Finding]:
    """What was ``audited``, by name."""
    return {finding.name: finding for finding in audited(*arguments, **more)}


def late(lag_ms: float, n: int) -> list[Row]:
    """Requests sent that long after they were meant to be, with a TTFT of 50 ms."""
    found = []
    for number in range(n):
        made = row(number)
        assert made.sent_ns is not None
        shift = made.sent_ns - round(lag_ms * MS)
        made.intended_ns = shift
        made.first_output_ns = made.sent_ns + 50 * MS
        made.last_output_ns = made.first_output_ns + sum(made.gaps_ns)
        made.connect_begin_ns = made.connect_end_ns = None
        found.append(made)
    return found


@pytest.mark.parametrize(
    ("many", "few", "status"),
    [(100, 0, "ok"), (100, 1, "ok"), (100, 4, "warn"), (100, 30, "bad"), (4, 4, "warn")],
)
def test_late_starts(many: int, few: int, status: str) -> None:
    rows = late(0.1, many - few) + late(3.0, few)
    found = findings(rows, users=None, load="50/s")["starts"]
    assert found.status == status
    assert ("not as asked" in found.why) == (status == "bad")
    closed = findings(rows)["starts"]  # its service times do not hold the client's turn-around
    assert closed.status == ("warn" if status == "bad" else status)


def test_late_is_measured_against_the_ttft_as_well() -> None:
    rows = late(3.0, 100)
    assert findings(rows)["starts"].status == "warn"
    for each in rows:
        assert each.sent_ns is not None
        each.first_output_ns = each.sent_ns + 2_000 * MS  # 1 % is 20 ms
        each.last_output_ns = each.first_output_ns + sum(each.gaps_ns)
    assert findings(rows)["starts"].status == "ok"


def test_who_waited_for_a_connection_or_admission_is_not_late() -> None:
    rows = late(30.0, 40)
    for number, each in enumerate(rows):
        assert each.sent_ns is not None
        if number % 2:
            each.queued = True
        else:
            each.connect_begin_ns, each.connect_end_ns = each.sent_ns - 5, each.sent_ns - 1
    assert findings(rows)["starts"].value == "none to judge"


def test_wilson_knows_how_little_a_few_say() -> None:
    assert least_share(1.0, 2) < 0.5
    assert 0.04 < least_share(0.05, 100_000) < 0.05
    assert least_share(0.0, 10) == 0.0


def shared(share_of: float, n: int = 100) -> list[Row]:
    """Requests of which so many have two outputs in one read, 60 ms after the read before."""
    rows = []
    for number in range(n):
        made = row(number)
        assert made.first_output_ns is not None
        two = number < share_of * n
        made.gaps_ns = [60 * MS, 0, 20 * MS] if two else [20 * MS, 20 * MS, 20 * MS]
        made.chunks = 4
        made.last_output_ns = made.first_output_ns + sum(made.gaps_ns)
        rows.append(made)
    return rows


KERNEL = StampFacts(kernel_reads=1000)


@pytest.mark.parametrize(
    ("share_of", "lag_ms", "status", "word"),
    [
        (0.0, 0.1, "ok", "at most"),
        (0.3, 0.1, "warn", "the server"),
        (0.3, 50.0, "bad", "client came late"),
        (0.1, 50.0, "bad", "client came late"),
        (0.02, 50.0, "warn", "client came late"),  # too few for the percentiles that n allows
    ],
)
def test_shared_reads(share_of: float, lag_ms: float, status: str, word: str) -> None:
    lag = round(lag_ms * MS)
    stamps = replace(KERNEL, lag=Spread(1000, lag, lag, lag, lag))
    found = findings(shared(share_of), stamps)["shared reads"]
    assert found.status == status
    assert word in found.why


def test_a_late_loop_spoils_user_space_stamps_and_not_the_kernels() -> None:
    hiccups = Spread(1000, MS, 40 * MS, 40 * MS, 40 * MS)
    pulse = PulseFacts(wall_ns=10**10, period_ns=10 * MS, alarm="timerfd", hiccups=hiccups)
    rows = late(0.1, 40)
    assert findings(rows, KERNEL, pulse=pulse)["event loop"].status == "warn"
    user = StampFacts(user_reads=1000)
    assert findings(rows, user, pulse=pulse)["event loop"].status == "bad"


def test_where_stamps_come_from_is_said() -> None:
    rows = late(0.1, 3)
    assert "kernel receive" in findings(rows, KERNEL)["stamps"].value
    assert "its own lateness" in findings(rows, StampFacts(user_reads=5))["stamps"].why
    refused = StampFacts(kernel_reads=5, user_reads=1, refused=1)
    assert findings(rows, refused)["stamps"].status == "warn"


@pytest.mark.parametrize(("at_40", "elsewhere", "found"), [(60, 40, True), (0, 100, False)])
def test_the_40_ms_mode(at_40: int, elsewhere: int, found: bool) -> None:
    hist = Hist()
    hist.add_many([41 * MS] * at_40 + [20 * MS] * elsewhere)
    assert has_nagle_mode(hist) is found


@pytest.mark.parametrize(
    ("gaps_ms", "status"), [((43,) * 9, "ok"), ((20,) * 6 + (41,) * 3, "warn")]
)
def test_a_model_that_writes_every_40_ms_has_no_40_ms_mode(
    gaps_ms: tuple[int, ...], status: str
) -> None:
    rows = [row(1_000 * number, 100, gaps_ms) for number in range(20)]
    assert findings(rows, KERNEL)["40 ms mode"].status == status


def test_40_ms_among_their_like_are_no_mode() -> None:
    hist = Hist()
    hist.add_many([value * 100_000 for value in range(280, 550)])  # evenly from 28 to 55 ms
    assert not has_nagle_mode(hist)


ARRIVALS = {
    "process": "poisson",
    "n": 1000,
    "requested_per_s": 100.0,
    "realised_per_s": 100.0,
    "rate_error_percent": 0.0,
    "rate_error_sd_percent": 3.0,
    "dispersion": 1.0,
    "gap_cv": 1.0,
    "ks_p": 0.4,
}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "ok"),
        ({"rate_error_percent": 9.0}, "ok"),
        ({"rate_error_percent": -30.0}, "warn"),
        ({"ks_p": 1e-9}, "bad"),
        ({"ks_p": None}, "ok"),
    ],
)
def test_arrivals(change: dict[str, Any], status: str) -> None:
    assert findings(late(0.1, 3), arrivals=ARRIVALS | change)["arrivals"].status == status


def test_a_closed_loop_has_no_arrivals_to_judge() -> None:
    assert "arrivals" not in findings(late(0.1, 3))


def test_a_prefix_cache_is_noticed() -> None:
    rows = late(0.1, 4)
    for each in rows:
        each.input_tokens, each.cached_tokens = 100, 5
    assert findings(rows)["prefix cache"].status == "ok"
    rows[0].cached_tokens = 90
    assert findings(rows)["prefix cache"].status == "warn"


def test_connections_that_are_not_kept_are_noticed() -> None:
    rows = late(0.1, 10)
    for each in rows:
        each.reused = False
    assert findings(rows, users=2)["connections"].status == "warn"
    assert findings(rows, users=8)["connections"].status == "ok"


@pytest.mark.parametrize(
    ("spans", "at_once"),
    [
        ([], 0),
        ([(0, 0)], 1),
        ([(5, 5), (10, 90), (95, 95)], 1),  # two came in one read each, alone
        ([(0, 100), (50, 50), (0, 100)], 2),
        ([(0, 100)], 1),
        ([(0, 100), (100, 200)], 1),  # one after the other
        ([(0, 100), (0, 100), (0, 100)], 3),
        ([(0, 1000), (0, 1000), (999, 2000)], 2),  # three only for a thousandth
        ([(0, 100), (50, 150), (100, 200)], 2),
    ],
)
def test_decoded_at_once(spans: list[tuple[int, int]], at_once: int) -> None:
    assert decoded_at_once([at for span in spans for at in span]) == at_once


def slotted() -> list[Row]:
    """Eight answers, two at a time."""
    rows = late(0.1, 8)
    for number, each in enumerate(rows):
        each.first_output_ns = (number // 2) * 100 * MS + 10**9
        each.last_output_ns = each.first_output_ns + 90 * MS
    return rows


def test_hidden_slots_are_noticed() -> None:
    rows = slotted()
    found = findings(rows, keep_spans=True, in_flight_ns={8: 1000})["server's parallelism"]
    assert (found.status, found.value) == ("warn", "decoded 2 of 8 at a time")
    assert (
        findings(rows, keep_spans=True, in_flight_ns={2: 1000})["server's parallelism"].status
        == "ok"
    )


SATURATED = PulseFacts(
    wall_ns=10**10,
    period_ns=10 * MS,
    alarm="timerfd",
    hiccups=Spread(1000, MS, 40 * MS, 40 * MS, 40 * MS),
    cpu_ns=99 * 10**8,
    machine_steal=0.5,
)


CALM = PulseFacts(wall_ns=10**10, period_ns=10 * MS, alarm="timerfd")


def on_node(node: str, **more: Any) -> StageFacts:
    return stage([], node=node, **more)


def test_what_one_node_suffers_from_names_the_node_in_the_verdict() -> None:
    user = StampFacts(user_reads=1000)
    parts = [
        on_node("a", pulse=CALM, stamps=user),
        on_node("b", pulse=SATURATED, stamps=user),
    ]
    rows = shared(0.3)
    found = document(rows, parts=parts, stamps=user)
    reasons = judge(facts(ModelFacts("m", "m", stages=[stage(rows)])), [of_model(found)]).reasons
    for name in ("event loop", "client CPU", "stolen CPU"):
        assert any(f"{name} (worker 2 on b): " in reason for reason in reasons), reasons
    assert any("the client came late (worker 2 on b)" in reason for reason in reasons), reasons
    assert not any("worker 1" in reason for reason in reasons)


def of_model(found: dict[str, Any]) -> dict[str, Any]:
    return {"torn_lines": 0, "stages": [found]}


def test_reads_that_one_worker_of_many_sees_late_do_not_drown_in_those_of_the_others() -> None:
    soon, late_ns = round(0.1 * MS), 50 * MS
    on_time = replace(KERNEL, lag=Spread(1000, soon, soon, soon, soon))
    behind = replace(KERNEL, lag=Spread(1000, late_ns, late_ns, late_ns, late_ns))
    parts = [on_node("a", stamps=on_time)] * 200 + [on_node("b", stamps=behind)]
    found = findings(shared(0.3), on_time, parts=parts)["shared reads"]
    assert found.status == "bad"
    assert "came late (worker 201 on b)" in found.why


def test_a_node_without_kernel_stamps_does_not_spoil_those_of_another() -> None:
    parts = [
        on_node("a", pulse=SATURATED, stamps=KERNEL),
        on_node("b", pulse=SATURATED, stamps=StampFacts(user_reads=5)),
        on_node("c", pulse=SATURATED),
    ]
    found = findings(late(0.1, 40), StampFacts(kernel_reads=1000, user_reads=5), parts=parts)
    assert found["event loop (worker 1 on a)"].status == "warn"
    assert found["event loop (worker 2 on b)"].status == "bad"
    assert found["event loop (worker 3 on c)"].status == "bad"  # by whose stamps, nobody knows
