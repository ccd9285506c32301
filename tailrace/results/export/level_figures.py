"""Level figures: what a level's metrics are made of, while it runs and when it is over. Pure.

Rule: a Tally of the rows so far and a finished result give the same figures of the same rows, so
that the last scrape of a level and the file of the run agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from tailrace.results.facts import ModelFacts, StageFacts
from tailrace.results.hist import Hist
from tailrace.results.schema import OUTCOMES
from tailrace.results.tally import Tally

HISTOGRAMS = ("ttft", "icl", "e2e", "start_lag")
BUCKETS_S = (
    *(0.0001, 0.0002, 0.0005),
    *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.007),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.07),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.7),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    *(10.0, 15.0, 20.0, 30.0, 50.0, 70.0),
    *(100.0, 200.0, 300.0, 600.0),
)
"""Upper bounds, seconds, for all histograms; fixed, so that runs can be laid over one another.

A percentile that Prometheus tells lies in the right bucket, whose bounds are at most a factor of
1.7 apart from 1 ms to 100 s. Limits that people set (0.2, 0.5, 1, 2 s) are bounds, so that the
share of requests within them needs no guess.
"""
_BUCKETS_NS = [round(bound_s * 1e9) for bound_s in BUCKETS_S]

_MOST_CLASSES = 20
"""Classes of errors with a series of their own; what is left is ``other``."""


class Buckets(NamedTuple):
    """A histogram as Prometheus has it."""

    cumulative: list[int]
    """Samples up to each of BUCKETS_S."""
    n: int
    sum_s: float


class LevelFigures(NamedTuple):
    """One level of one model; what is None or absent is not known, or does not apply."""

    model: str
    level: int
    """From 1."""
    load: str
    """As the tables name it: ``8``, ``50/s``."""
    users: int | None
    outcomes: Mapping[tuple[str, str], int]
    """By phase and outcome."""
    errors: Mapping[str, int]
    """Measured requests that failed, by class."""
    output_tokens: int | None
    histograms: Mapping[str, Buckets]
    audit: Mapping[str, str] = {}
    """Finding -> its status."""
    slos: Mapping[str, str] = {}
    """Objective -> its status."""
    rates: Mapping[str, float | None] = {}
    """Of the whole measure window, when it is over."""


def of_tally(model: ModelFacts, stage: StageFacts, tally: Tally) -> LevelFigures:
    """Of a level's rows so far."""
    names = HISTOGRAMS if tally.streams else ("e2e", "start_lag")
    return LevelFigures(
        model=model.model,
        level=stage.index + 1,
        load=stage.load or str(stage.users),
        users=stage.users,
        outcomes=_by_phase(tally.outcomes_all, tally.outcomes),
        errors=_bounded(tally.error_classes),
        output_tokens=tally.output_tokens,
        histograms={name: _buckets(tally.hists[name]) for name in names},
    )


def of_result(model: str, stage: Mapping[str, Any]) -> LevelFigures:
    """Of a stage of ``result.json``."""
    counts = stage["counts"]
    return LevelFigures(
        model=model,
        level=stage["index"] + 1,
        load=stage["load"],
        users=stage["users"],
        outcomes=_by_phase(counts["journal"], counts["measured"]),
        errors=_bounded(stage["errors"]),
        output_tokens=stage["tokens"]["output"],
        histograms={
            name: _decoded(metric)
            for name in HISTOGRAMS
            if (metric := stage["metrics"][name])["n"] is not None
        },
        audit={finding["name"]: finding["status"] for finding in stage["audit"]},
        slos={each["slo"]: each["status"] for each in stage["slo"]},
        rates={name: stage["rates"][name] for name in ("requests_per_s", "tokens_per_s")},
    )


def _by_phase(of_all: Mapping[str, int], measured: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Every outcome of both phases, also where there was none: a counter begins at nought."""
    found: dict[tuple[str, str], int] = {}
    for name in OUTCOMES:
        found["warmup", name] = of_all[name] - measured[name]
        found["measure", name] = measured[name]
    return found


def _bounded(classes: Mapping[str, int]) -> dict[str, int]:
    kept = dict(Counter(classes).most_common(_MOST_CLASSES))
    left = sum(classes.values()) - sum(kept.values())
    return kept | ({"other": left} if left else {})


def _buckets(hist: Hist) -> Buckets:
    return Buckets(hist.at_or_below(_BUCKETS_NS), hist.n, (hist.mean_ns or 0.0) * hist.n / 1e9)


def _decoded(metric: Mapping[str, Any]) -> Buckets:
    """Count and mean are the document's, which are exact; so are the counts of the buckets."""
    if not metric["n"]:
        return _buckets(Hist())
    found = _buckets(Hist.decode(metric["histogram"], metric["max_ns"]))
    return found._replace(n=metric["n"], sum_s=metric["mean_ns"] * metric["n"] / 1e9)
