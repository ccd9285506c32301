"""SloJudge: whether a level meets its objectives, and how sure that is. Pure.

Rule: a percentile below its sample floor cannot be told to be met; it can be told to be missed
where even its lower bound is over the limit. Everything else is met or missed as measured.
``sure`` says whether the bound at 99 % is on the same side of the limit; ``met`` is which side the
measured figure is on, also where the status is ``cannot tell``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tailrace.results.bounds import ranks, share_bounds
from tailrace.results.hist import Hist
from tailrace.results.level_stats import effective_of
from tailrace.results.render.figures import number
from tailrace.results.schema import OUTCOMES
from tailrace.results.slo import GOODPUT, Slo
from tailrace.results.stats import sample_floor
from tailrace.results.tally import Tally

Status = Literal["pass", "fail", "cannot tell"]
FAILED = ("error", "timeout")
CUT_OFF = "requests that were cut off had waited less than the limit"


class Judged(NamedTuple):
    """One objective of one level."""

    slo: str
    value: float | None
    """ns of a latency, part of one of a share, else per second."""
    status: Status
    met: bool | None
    sure: bool
    why: str


def judge_slos(
    slos: Sequence[Slo],
    tally: Tally,
    rates: Mapping[str, float | None],
    goodput: Mapping[str, Any] | None,
) -> list[Judged]:
    """Each objective, in their order."""
    return [_judge(slo, tally, rates, goodput) for slo in slos]


def _judge(
    slo: Slo, tally: Tally, rates: Mapping[str, float | None], goodput: Mapping[str, Any] | None
) -> Judged:
    if slo.percent is not None:
        return _percentile(slo, slo.percent, tally)
    if slo.of_latency:
        return _of_all(slo, tally)
    if slo.name == "error_rate":
        ended = sum(tally.outcomes[name] for name in OUTCOMES if name != "cancelled")
        return _share(slo, sum(tally.outcomes[name] for name in FAILED), ended)
    if slo.name == GOODPUT and slo.is_share:
        good, measured = (0, 0) if goodput is None else (goodput["good"], goodput["measured"])
        return _share(slo, good, measured)
    value = rates.get(slo.name) if slo.name != GOODPUT else (goodput or {}).get("per_s")
    if value is None:
        return _cannot_tell(slo, None, "no such figure was measured")
    return _as_measured(slo, value, False, "as measured")


def _percentile(slo: Slo, percent: float, tally: Tally) -> Judged:
    hist = tally.hists[slo.name]
    value = hist.percentiles((percent,))[0]
    if value is None:
        return _cannot_tell(slo, None, "no samples")
    limit_ns = tally.bounds.get(slo.name, (0, None))[1]
    at_least = limit_ns is not None and value >= limit_ns
    floor, bound = _one_sided(slo, percent, hist, tally)
    if (between := _blurred(slo, percent, hist, tally)) is not None:
        low, high = (number(ns / 1e6) for ns in between)
        why = f"shared reads hide when outputs came: it is between {low} and {high} ms"
        return _cannot_tell(slo, value, why)
    if floor is not None and not slo.met_by(floor):
        return _as_measured(slo, value, True, "its lower bound is over the limit")
    if at_least and slo.met_by(value):
        return _cannot_tell(slo, value, CUT_OFF)
    if hist.n < (needed := sample_floor(percent)):
        return _cannot_tell(slo, value, f"{hist.n} samples; {slo.stat} needs {needed}")
    sure = bound is not None and slo.met_by(bound) and (limit_ns is None or bound < limit_ns)
    why = "its upper bound is within the limit" if sure else "as measured, within its bounds"
    return _as_measured(slo, value, sure, why)


def _blurred(slo: Slo, percent: float, hist: Hist, tally: Tally) -> tuple[int, int] | None:
    """The two values between which it is not known, where the limit lies between them."""
    if slo.name not in tally.shared.blurs:
        return None
    between = tally.shared.blurs[slo.name].bounds(hist, (percent,))[0]
    if between is None or slo.met_by(between[0]) == slo.met_by(between[1]):
        return None
    return between


def _one_sided(slo: Slo, percent: float, hist: Hist, tally: Tally) -> tuple[int | None, int | None]:
    """Lower and upper bound at 99 %."""
    effective = (
        None if tally.series is None else effective_of(percent, slo.name, hist, tally.series)
    )
    at = ranks(percent, hist.n, effective)
    return hist.at_rank(at.floor), hist.at_rank(at.bound)


def _of_all(slo: Slo, tally: Tally) -> Judged:
    """A mean or a maximum of the samples, which is what it is."""
    hist = tally.hists[slo.name]
    value = hist.mean_ns if slo.stat == "mean" else hist.max_ns
    if not hist.n or value is None:
        return _cannot_tell(slo, None, "no samples")
    if tally.bounds.get(slo.name) and slo.met_by(value):
        return _cannot_tell(slo, value, CUT_OFF)
    return _as_measured(slo, value, False, f"of {hist.n} samples")


def _share(slo: Slo, hits: int, n: int) -> Judged:
    if not n:
        return _cannot_tell(slo, None, "no requests")
    low, high = share_bounds(hits, n)
    sides = slo.met_by(low), slo.met_by(high)
    return _as_measured(slo, hits / n, sides[0] == sides[1], f"{hits} of {n} requests")


def _cannot_tell(slo: Slo, value: float | None, why: str) -> Judged:
    met = None if value is None else slo.met_by(value)
    return Judged(slo.text, value, "cannot tell", met, False, why)


def _as_measured(slo: Slo, value: float, sure: bool, why: str) -> Judged:
    met = slo.met_by(value)
    return Judged(slo.text, value, "pass" if met else "fail", met, sure, why)


def missed(results: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any level of any model's document misses an objective."""
    return any(
        each["status"] == "fail"
        for result in results
        for stage in result["stages"]
        for each in stage.get("slo") or ()
    )


def overall(judged: Sequence[Mapping[str, Any]]) -> tuple[Status, bool | None, bool]:
    """Of all objectives of a level: status, whether it looks met, and whether that is sure."""
    failed = [each for each in judged if each["status"] == "fail"]
    if failed:
        return "fail", False, any(each["sure"] for each in failed)
    met = None if any(each["met"] is None for each in judged) else all(e["met"] for e in judged)
    if any(each["status"] == "cannot tell" for each in judged):
        return "cannot tell", met, False
    return "pass", True, all(each["sure"] for each in judged)
