"""What can be told of an objective, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tailrace.results.schema import Row
from tailrace.results.slo import parse_slos
from tailrace.results.slo_judge import CUT_OFF, Judged, judge_slos, missed, overall
from tailrace.results.tally import tally_of

from .builders import MS, S, row, stage, waited


def judged(text: str, rows: Sequence[Row], **rates: float) -> list[Judged]:
    slos = parse_slos(text)
    tally = tally_of(stage(rows), slos)
    for one in rows:
        tally.add(one)
    return judge_slos(slos, tally, rates, tally.goodput.result(1.0))


def many(n: int, first_ms: int = 50, **more: Any) -> list[Row]:
    dice = Random(1)
    return [row(index, first_ms + dice.randrange(10), id=f"r{index}", **more) for index in range(n)]


def one(text: str, rows: Sequence[Row], **rates: float) -> tuple[str, bool | None, bool]:
    found = judged(text, rows, **rates)[-1]
    return found.status, found.met, found.sure


def test_enough_samples_within_the_limit() -> None:
    """The floor of p90 is 64 of them."""
    found = judged("ttft:p90<100ms", many(64))
    why = "its upper bound is within the limit"
    assert found == [
        Judged("ttft:p90<100ms", pytest.approx(58 * MS, abs=MS), "pass", True, True, why)
    ]


def test_enough_samples_over_the_limit() -> None:
    (found,) = judged("ttft:p90<20ms", many(100))
    assert (found.slo, found.status, found.met, found.sure) == (
        "ttft:p90<20ms",
        "fail",
        False,
        True,
    )
    assert found.value == pytest.approx(58 * MS, abs=MS)
    assert found.why == "its lower bound is over the limit"


def test_near_the_limit_it_is_met_or_missed_as_measured() -> None:
    rows = [*many(180), *(row(1000 + i, 200, id=f"s{i}") for i in range(19))]
    assert one("ttft:p90<100ms", rows) == ("pass", True, False)
    assert judged("ttft:p90<100ms", rows)[0].why == "as measured, within its bounds"
    rows += [row(2000 + i, 200, id=f"t{i}") for i in range(3)]
    assert one("ttft:p90<100ms", rows) == ("fail", False, False)
    assert judged("ttft:p90<100ms", rows)[0].why == "as measured, within its bounds"


def test_requests_that_depend_on_each_other_make_it_less_sure() -> None:
    """The same waits in two orders: by chance, and the slow ones last."""
    waits = [50 + index for index in range(400)]
    last = [row(index, waits[index], id=f"r{index}") for index in range(400)]
    Random(1).shuffle(waits)
    by_chance = [row(index, waits[index], id=f"r{index}") for index in range(400)]
    assert one("ttft:p90<430ms", by_chance) == ("pass", True, True)
    assert one("ttft:p90<430ms", last) == ("pass", True, False)


def test_below_the_floor_it_cannot_be_told_to_be_met() -> None:
    found = judged("ttft:p99<100ms", many(100))[0]
    assert (found.slo, found.value) == ("ttft:p99<100ms", pytest.approx(58 * MS, abs=MS))
    assert (found.status, found.met, found.sure) == ("cannot tell", True, False)
    assert found.why == "100 samples; p99 needs 662"


def test_below_the_floor_it_can_be_told_to_be_missed() -> None:
    assert one("ttft:p99<20ms", many(100)) == ("fail", False, True)


def test_a_percentile_that_was_cut_off_cannot_be_told_to_be_met() -> None:
    rows = [*many(100), *(waited("censored", 60, id=f"w{i}") for i in range(30))]
    found = judged("ttft:p90<100ms", rows)[0]
    assert (found.status, found.why) == (
        "cannot tell",
        "requests that were cut off had waited less than the limit",
    )
    assert found.value == pytest.approx(60 * MS, rel=0.01)
    assert one("ttft:p90<55ms", rows)[0] == "fail"


def test_a_limit_that_shared_reads_hide_cannot_be_told() -> None:
    """Each answer's second chunk came with its third, some time in the 40 ms before."""
    rows = many(100, gaps_ms=(40, 0))
    found = judged("icl:p90<30ms", rows)[0]
    assert found.status == "cannot tell"
    assert (found.met, found.sure) == (False, False)
    assert found.why == "shared reads hide when outputs came: it is between 20.0 and 40.0 ms"
    assert one("icl:p90<50ms", rows)[0] == "pass"


def test_means_and_maxima() -> None:
    rows = [row(0, 50), row(1, 60)]
    assert judged("ttft:mean<100ms, ttft:max<55ms", rows) == [
        Judged("ttft:mean<100ms", 55 * MS, "pass", True, False, "of 2 samples"),
        Judged("ttft:max<55ms", 60 * MS, "fail", False, False, "of 2 samples"),
    ]
    cut_off = [*rows, waited("censored", 70, id="w")]
    assert judged("ttft:max<100ms, ttft:max<65ms", cut_off) == [
        Judged("ttft:max<100ms", 70 * MS, "cannot tell", True, False, CUT_OFF),
        Judged("ttft:max<65ms", 70 * MS, "fail", False, False, "of 3 samples"),
    ]


def test_what_was_not_measured_cannot_be_told() -> None:
    whys = {
        "ttft:p90<1s": "no samples",
        "ttft:max<1s": "no samples",
        "error_rate<1%": "no requests",
        "goodput>1%": "no requests",
        "goodput>1/s": "no such figure was measured",
        "tokens_per_s>1": "no such figure was measured",
    }
    slos = parse_slos(", ".join(whys))
    found = judge_slos(slos, tally_of(stage([]), slos), {}, None)
    expected = [Judged(text, None, "cannot tell", None, False, why) for text, why in whys.items()]
    assert found == expected


def test_error_rates() -> None:
    failed = many(10, outcome="error", error_class="x")
    assert one("error_rate<1%", many(20)) == ("pass", True, False)
    assert one("error_rate<1%", many(1000)) == ("pass", True, True)
    assert one("error_rate<1%", [*many(20), *failed]) == ("fail", False, True)
    (found,) = judged("error_rate<20%", [*many(30), *failed])
    assert (found.slo, found.value, found.why) == ("error_rate<20%", 0.25, "10 of 40 requests")
    cancelled = many(60, outcome="cancelled")
    assert judged("error_rate<20%", [*many(30), *failed, *cancelled]) == [found]


def test_rates_and_goodput() -> None:
    assert one("tokens_per_s>10", many(5), tokens_per_s=20.0) == ("pass", True, False)
    assert judged("tokens_per_s>10", many(5), tokens_per_s=20.0)[0].why == "as measured"
    assert one("ttft:p50<100ms, goodput>3", many(5)) == ("pass", True, False)
    assert one("ttft:p50<20ms, goodput>3", many(5)) == ("fail", False, False)
    assert one("ttft:p50<100ms, goodput>50%", many(50)) == ("pass", True, True)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([("pass", True, True), ("pass", True, False)], ("pass", True, False)),
        ([("pass", True, True), ("fail", False, False)], ("fail", False, False)),
        ([("cannot tell", True, False), ("fail", False, True)], ("fail", False, True)),
        ([("cannot tell", True, False), ("pass", True, True)], ("cannot tell", True, False)),
        ([("cannot tell", None, False), ("pass", True, True)], ("cannot tell", None, False)),
    ],
)
def test_all_objectives_together(
    statuses: list[tuple[str, bool | None, bool]], expected: tuple[str, bool | None, bool]
) -> None:
    found = [{"status": a, "met": b, "sure": c} for a, b, c in statuses]
    assert overall(found) == expected
    result = {"stages": [{"slo": found}]}
    assert missed([result]) == (expected[0] == "fail")
    assert not missed([{"stages": [{}]}])


def test_the_window_is_the_levels() -> None:
    assert stage([]).measure_until_ns == S
