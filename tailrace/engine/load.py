"""Load: a level of the scenario as the scheduler that holds it, for one worker's share of it.

Every worker knows the whole level: it computes the one global schedule and takes each ``of``-th
arrival, or holds each ``of``-th user. Nothing random is drawn twice, and the shares add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from tailrace.engine.admission import Admission
from tailrace.engine.arrivals import cumulative, schedule, shard
from tailrace.engine.clock import Origin
from tailrace.engine.closed_loop import ClosedLoop, Thoughts
from tailrace.engine.ledger import Ledger
from tailrace.engine.open_loop import OpenLoop
from tailrace.engine.open_sessions import OpenSessions
from tailrace.engine.recorder import Recorder
from tailrace.engine.replayed import Replayed, cumulative_of
from tailrace.engine.scheduler import Bounds, Scheduler, Send, Sending, Start
from tailrace.engine.stop import Stop
from tailrace.engine.talks import Talks, seated
from tailrace.results.arrival_stats import arrival_stats
from tailrace.results.facts import Books, StageFacts
from tailrace.scenarios.model import Level, Think
from tailrace.scenarios.rates import Arrivals, RatePhase

_WARMUP_SEED = 1 << 64
_THINK_SEED = 1 << 65
"""Far from the seeds of the levels, which are small numbers apart."""


class Share(NamedTuple):
    """Worker number ``worker`` of ``of``."""

    worker: int = 0
    of: int = 1

    def count(self, total: int) -> int:
        """How many of ``total`` things, dealt in turn, are this worker's."""
        return 0 if self.idle else len(range(self.worker, total, self.of))

    @property
    def idle(self) -> bool:
        """Whether there is nothing for this worker: the shares of the others are the whole."""
        return self.worker >= self.of

    def within(self, level: Level) -> Share:
        """This worker's share of a level, which not more workers hold than it has users, or lets in
        requests at once: one without either could start none of its share.
        """
        most = level.users if level.arrivals is None else level.max_in_flight
        return self if most is None else Share(self.worker, min(self.of, most))


WHOLE = Share()


_AHEAD_S, _MOST_AHEAD = 0.5, 512
"""An open loop's connections are opened ahead as for answers of half a second."""


def connections_ahead(level: Level) -> int:
    """How many connections to open before the level's first request."""
    if level.arrivals is None:
        return level.users or 0
    rates = [rate for p in level.arrivals.phases for rate in (p.from_per_s, p.to_per_s)]
    if level.arrivals.trace is not None:
        rates = [level.arrivals.trace.mean_per_s]
    wanted = math.ceil(max(rates, default=8.0) * _AHEAD_S)
    return min(max(wanted, 4), level.max_in_flight or _MOST_AHEAD, _MOST_AHEAD)


def bounds_of(level: Level, share: Share, began_ns: int, drain_s: float) -> Bounds:
    """The level's bounds for this worker, beginning at ``began_ns``."""
    duration_s = level.duration_s
    if duration_s is None and level.requests is None and level.arrivals is not None:
        duration_s = level.arrivals.lasts_s
    return Bounds(
        began_ns=began_ns,
        measure_from_ns=began_ns + round(level.warmup_s * 1e9),
        duration_ns=None if duration_s is None else round(duration_s * 1e9),
        requests=None if level.requests is None else share.count(level.requests),
        drain_ns=round(drain_s * 1e9),
    )


def stage_of(
    level: Level, index: int, share: Share, began_ns: int, origin: Origin, drain_s: float
) -> StageFacts:
    """The facts of a level that is about to begin, or of a worker's share of it."""
    bounds = bounds_of(level, share, began_ns, drain_s)
    until_ns = bounds.measure_until_ns
    return StageFacts(
        index=index,
        users=None if level.users is None else share.count(level.users),
        load=level.load,
        round=level.round,
        think_s=0.0 if level.think is None else level.think.mean_s,
        warmup_s=level.warmup_s,
        duration_s=level.duration_s,
        requests=bounds.requests,
        began_ns=origin.since(bounds.began_ns),
        measure_from_ns=origin.since(bounds.measure_from_ns),
        measure_until_ns=None if until_ns is None else origin.since(until_ns),
        books=Books(),
    )


def scheduler_of(
    level: Level,
    share: Share,
    seed: int,
    bounds: Bounds,
    send: Send,
    ledger: Ledger,
    recorder: Recorder,
    stop: Stop,
    asking: Talks | Replayed | None = None,
    honors_retry_after: bool = False,
) -> Scheduler:
    """The loop that holds this worker's share of the level; ``seed`` is the level's own.

    ``asking`` is what a trace or sessions say of its requests.
    """
    own = (bounds, send, ledger, recorder, stop)
    if share.idle:
        return ClosedLoop(*own, users=())
    if level.arrivals is None:
        users = range(share.worker, level.users or 0, share.of)
        thoughts = None if level.think is None else thoughts_of(level.think, seed)
        if isinstance(asking, Talks):
            return ClosedLoop(
                *(*own, users, asking.thoughts(thoughts), asking.begins),
                honors_retry_after=honors_retry_after,
            )
        return ClosedLoop(*own, users, thoughts, honors_retry_after=honors_retry_after)
    limit = None if level.max_in_flight is None else share.count(level.max_in_flight)
    admission = Admission[Sending](limit, level.when_full)
    if isinstance(asking, Replayed):
        replayed = asking.starts(share.worker, share.of, bounds, level.requests)
        return OpenLoop(*own, replayed, admission)
    starts = starts_of(level, level.arrivals, share, seed, bounds)
    if isinstance(asking, Talks):
        return OpenSessions(*own, seated(starts), admission, asking)
    return OpenLoop(*own, starts, admission)


def starts_of(
    level: Level, arrivals: Arrivals, share: Share, seed: int, bounds: Bounds
) -> Iterator[Start]:
    """This worker's arrivals: warm-up at the rate that measuring begins with, then the schedule."""
    measured = schedule(arrivals, seed, bounds.duration_ns, level.requests)
    return chain(
        (
            Start(index, "warmup", bounds.began_ns + due_ns)
            for index, due_ns in shard(_warmup(level, arrivals, seed), share.worker, share.of)
        ),
        (
            Start(index, "measure", bounds.measure_from_ns + due_ns)
            for index, due_ns in shard(measured, share.worker, share.of)
        ),
    )


def _warmup(level: Level, arrivals: Arrivals, seed: int) -> Iterator[int]:
    first = arrivals.phases[0].from_per_s if arrivals.phases else 0.0
    if not first or not level.warmup_s:
        return iter(())
    steady = replace(arrivals, phases=(RatePhase(first, first, None),))
    return schedule(steady, seed + _WARMUP_SEED, round(level.warmup_s * 1e9), None)


def thoughts_of(think: Think, seed: int) -> Thoughts:
    """Think times by user; those of a user do not depend on which worker holds it."""
    mean_ns = think.mean_s * 1e9

    def of_user(user: int) -> Iterator[int]:
        if think.process == "constant":
            while True:
                yield round(mean_ns)
        dice = np.random.Generator(np.random.Philox(key=(seed + _THINK_SEED + user) % 2**128))
        while True:
            yield round(float(dice.standard_exponential(method="inv")) * mean_ns)

    return of_user


def arrivals_judged(
    level: Level, stage: StageFacts, begun_ns: Sequence[int]
) -> dict[str, Any] | None:
    """An open loop's arrivals, as requested and as acted on; None for a closed loop.

    ``begun_ns``, ns since the run's origin, are those of the measure phase, of all workers.
    """
    if level.arrivals is None:
        return None
    process, burstiness = level.arrivals.process, level.arrivals.burstiness
    found: dict[str, Any] = {"process": process, "burstiness": burstiness}
    from_ns, until_ns = stage.measure_from_ns or 0, stage.measure_until_ns or 0
    begun = np.sort(np.asarray(begun_ns, dtype=np.int64)) - from_ns
    if not len(begun) or until_ns <= from_ns:
        return found
    trace = level.arrivals.trace
    curve = cumulative(level.arrivals) if trace is None else cumulative_of(trace)
    # By requests, what follows the last arrival is waiting for answers.
    length_ns = until_ns - from_ns if level.requests is None else int(begun[-1]) + 1
    return found | arrival_stats(begun, 0, length_ns, curve, process, burstiness)
