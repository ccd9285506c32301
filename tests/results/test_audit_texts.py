"""What the audit of a stage says, word for word, on both sides of each of its rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tailrace.results.audit_stage import as_dict, audit_running
from tailrace.results.hist import Hist
from tailrace.results.schema import Row
from tailrace.results.spread import Spread
from tailrace.results.stamp_facts import StampFacts

from .builders import MS, finding_lines, row, stage
from .golden_files import assert_golden, told_apart
from .test_audit_asking import whole
from .test_audit_stage import (
    ARRIVALS,
    CALM,
    KERNEL,
    SATURATED,
    audited,
    late,
    on_node,
    shared,
    slotted,
)

GOLDEN = Path(__file__).with_name("golden")
LAGGED = replace(KERNEL, user_reads=500, lag=Spread(1_000, MS, 2 * MS, 3 * MS, 4 * MS))
USER = StampFacts(user_reads=1_234)


def told(rows: list[Row], stamps: StampFacts = KERNEL, **more: Any) -> list[str]:
    return finding_lines(audited(rows, stamps, **more))


def changed(rows: list[Row], **fields: Any) -> list[Row]:
    for each in rows:
        for name, value in fields.items():
            setattr(each, name, value)
    return rows


def in_lumps(of: int, n: int) -> list[Row]:
    """So many of n answers came at once at their end."""
    return [row(1_000 * i, 900 if i < of else 100, (1,) * 7) for i in range(n)]


OFF = ARRIVALS | {"process": "constant", "dispersion": None, "rate_error_percent": -13.2}
CASES: dict[str, Callable[[], list[str]]] = {
    "no request": lambda: told([]),
    "a closed loop that is well": lambda: told(late(0.1, 40)),
    "19 late starts of an open loop": lambda: told(late(3.0, 19), users=None, load="50/s"),
    "20 late starts of an open loop": lambda: told(late(3.0, 20), users=None, load="50/s"),
    "late starts of a closed loop": lambda: told(late(3.0, 20)),
    "1 late start of 100": lambda: told(late(0.1, 99) + late(3.0, 1)),
    "2 late starts of 100": lambda: told(late(0.1, 98) + late(3.0, 2)),
    "kernel stamps that were seen late": lambda: told(shared(0.3), LAGGED),
    "a kernel stamp that was not sane": lambda: told(shared(0.0), replace(LAGGED, refused=3)),
    "stamps of the client": lambda: told(late(0.1, 3), USER),
    "a late loop, kernel stamps": lambda: told(late(0.1, 40), KERNEL, pulse=SATURATED),
    "a late loop, stamps of the client": lambda: told(late(0.1, 40), USER, pulse=SATURATED),
    "two nodes": lambda: told(
        late(0.1, 40),
        parts=[on_node("a", pulse=SATURATED, stamps=KERNEL), on_node("b", pulse=CALM)],
    ),
    "arrivals as asked": lambda: told(late(0.1, 3), arrivals=ARRIVALS),
    "a rate at the edge of chance": lambda: told(
        late(0.1, 3), arrivals=ARRIVALS | {"rate_error_percent": 13.0}
    ),
    "a rate that is off": lambda: told(late(0.1, 3), arrivals=OFF),
    "a rate that is off and has no spread": lambda: told(
        late(0.1, 3),
        arrivals=ARRIVALS | {"rate_error_percent": 1.1, "rate_error_sd_percent": None},
    ),
    "gaps of another process": lambda: told(late(0.1, 3), arrivals=ARRIVALS | {"ks_p": 9e-7}),
    "arrivals that were not looked at": lambda: told(late(0.1, 3), arrivals={"process": "poisson"}),
    "connections that are not kept": lambda: told(
        changed(late(0.1, 5), reused=False), users=2, connections_opened=5
    ),
    "too few requests for a kept connection": lambda: told(
        changed(late(0.1, 4), reused=False), users=2
    ),
    "a mode at 40 ms": lambda: told(
        [row(1_000 * i, 100, (20,) * 6 + (41,) * 3) for i in range(20)]
    ),
    "a pace of 43 ms": lambda: told([row(1_000 * i, 100, (43,) * 9) for i in range(20)]),
    "half of the answers in a lump": lambda: told(in_lumps(2, 4)),
    "most answers in a lump": lambda: told(in_lumps(3, 4)),
    "chunks that are no tokens": lambda: told(
        changed(late(0.1, 4), output_tokens=9, token_source="usage")
    ),
    "chunks that are the server's tokens": lambda: told(
        changed(late(0.1, 4), token_source="usage")
    ),
    "a tenth from the cache": lambda: told(
        changed(late(0.1, 4), input_tokens=1_000, cached_tokens=100)
    ),
    "more from the cache": lambda: told(
        changed(late(0.1, 4), input_tokens=1_000, cached_tokens=101)
    ),
    "hidden slots": lambda: told(slotted(), keep_spans=True, in_flight_ns={8: 900, 4: 100}),
    "slots for three quarters": lambda: told(slotted(), keep_spans=True, in_flight_ns={2: 1_000}),
    "slots, with no time in flight": lambda: told(
        slotted(), keep_spans=True, users=3, in_flight_ns={}
    ),
    "answers that are not streamed": lambda: told([whole(number) for number in range(3)]),
}


def test_every_finding_on_both_sides_of_its_rule() -> None:
    """Of each case, the lines that the stage that is well does not have."""
    made = {title: case() for title, case in CASES.items()}
    text = told_apart(made, "a closed loop that is well")
    assert_golden(GOLDEN / "audit_stage.txt", text)


def test_a_running_stage_is_judged_by_the_same_rules() -> None:
    starts, ttft = Hist(), Hist()
    starts.add_many([3 * MS] * 30)
    ttft.add_many([50 * MS] * 30)
    facts = stage([], users=None, load="50/s")
    found = audit_running(facts, SATURATED, USER, starts, ttft)
    assert [each.name for each in found][:3] == ["starts", "pulse", "event loop"]
    assert [each.status for each in found][:3] == ["bad", "ok", "bad"]
    harmless = audit_running(facts, SATURATED, KERNEL, starts, ttft)
    assert harmless[2].status == "warn"
    assert as_dict(found[0]) == {
        "name": "starts",
        "value": found[0].value,
        "status": "bad",
        "why": found[0].why,
    }
