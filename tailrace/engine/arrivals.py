"""Arrivals: when each request of an open loop is due, decided before and apart from any answer.

A process makes arrivals of unit rate in operational time (a whole number each, or sums of random
gaps of mean 1), and Intensity puts them on the clock; so a ramp is Poisson all along and not only
by its mean. Times are whole nanoseconds since the schedule began, made some at a time.

Every worker computes the whole schedule from the one seed and takes each k-th arrival of it.
Workers that draw their own arrivals share a seed sooner or later, and what was asked as Poisson
then comes in bunches. Philox is counter-based: a seed is its key, neighbouring seeds are unrelated
streams, and no two machines disagree (but for the last bit of a logarithm: one nanosecond).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tailrace.engine.intensity import Floats, Intensity
from tailrace.scenarios.parse import LONGEST_S
from tailrace.scenarios.rates import Arrivals

CHUNK = 1024
"""Arrivals computed at a time; 0.1 to 0.2 ms, so that no request waits for its successors' dice."""

_LONGEST_NS = int(LONGEST_S * 1e9)

T = TypeVar("T")


class Requested(NamedTuple):
    """What one expects of a schedule before it runs."""

    n: float
    seconds: float
    per_s: float


def schedule(
    arrivals: Arrivals,
    seed: int,
    duration_ns: int | None,
    requests: int | None,
    *,
    chunk: int = CHUNK,
) -> Iterator[int]:
    """Due times, never falling, each below the end of the phases and of ``duration_ns``.

    It ends with the first of duration, requests and phases, at the latest after a year. ValueError
    where none of the three is bounded, or the arrivals are not such that a schedule can be made.
    """
    lasting = arrivals.process == "replay" or arrivals.lasts_s is not None
    if duration_ns is None and requests is None and not lasting:
        raise ValueError("an open-ended schedule needs a duration or a number of requests")
    until_ns = _LONGEST_NS if duration_ns is None else min(duration_ns, _LONGEST_NS)
    if arrivals.process == "replay":
        due = _replayed(arrivals.offsets_s)
        return islice(iter(due[due < until_ns].tolist()), requests)
    intensity = Intensity(arrivals.phases)
    until_ns = round(min(until_ns, intensity.end_s * 1e9))
    constant = arrivals.process == "constant"
    unit_rate = _whole(chunk) if constant else _sums(_gaps(arrivals, seed), chunk)
    return islice(_due(intensity, unit_rate, until_ns), requests)


def shard(times: Iterable[T], worker: int, workers: int) -> Iterator[tuple[int, T]]:
    """The index and due time of each arrival that is this worker's; ``times`` is the whole."""
    if not 0 <= worker < workers:
        raise ValueError(f"there is no worker {worker} of {workers}")
    return islice(enumerate(times), worker, None, workers)


def cumulative(arrivals: Arrivals) -> Callable[[Floats], Floats]:
    """Seconds since the start to arrivals requested until then; what results are judged by."""
    if arrivals.process != "replay":
        return Intensity(arrivals.phases).cumulative
    due = _replayed(arrivals.offsets_s)
    return lambda at_s: np.searchsorted(due, np.rint(at_s * 1e9)).astype(np.float64)


def requested(arrivals: Arrivals, duration_ns: int | None, requests: int | None) -> Requested:
    """The number of arrivals, time and mean rate to be expected, within the schedule's bounds."""
    if arrivals.process == "replay":
        due = list(schedule(arrivals, 0, duration_ns, requests))
        seconds = (due[-1] if due else 0) / 1e9
        return Requested(len(due), seconds, len(due) / seconds if seconds else 0.0)
    intensity = Intensity(arrivals.phases)
    seconds = intensity.end_s
    if duration_ns is not None:
        seconds = min(seconds, duration_ns / 1e9)
    if requests is not None:
        seconds = min(seconds, float(intensity.inverse(np.array([float(requests)]))[0]))
    if math.isinf(seconds):
        raise ValueError("an open-ended schedule needs a duration or a number of requests")
    n = float(intensity.cumulative(np.array([seconds]))[0])
    return Requested(n, seconds, n / seconds if seconds else 0.0)


def _due(intensity: Intensity, chunks: Iterator[Floats], until_ns: int) -> Iterator[int]:
    """Put operational times on the clock, until the first that is past the end."""
    last_ns = 0.0
    for operational in chunks:
        at_ns = np.rint(np.minimum(intensity.inverse(operational), LONGEST_S) * 1e9)
        # The last bit of a root may turn two arrivals of the same nanosecond around.
        at_ns = np.maximum.accumulate(np.maximum(at_ns, last_ns))
        inside = at_ns[at_ns < until_ns]
        yield from inside.astype(np.int64).tolist()
        if len(inside) < len(at_ns):
            return
        last_ns = float(at_ns[-1])


def _whole(chunk: int) -> Iterator[Floats]:
    for first in count(0, chunk):
        yield np.arange(first, first + chunk, dtype=np.float64)


def _sums(gaps: Callable[[int], Floats], chunk: int) -> Iterator[Floats]:
    """Sums of random gaps, without end; the same whatever the size of the chunks.

    They are added from left to right, the last sum of one chunk being the first term of the next.
    """
    reached = np.zeros(1)
    while True:
        sums = np.cumsum(np.concatenate((reached, gaps(chunk))))
        reached = sums[-1:]
        yield sums[1:]


def _gaps(arrivals: Arrivals, seed: int) -> Callable[[int], Floats]:
    """Draws so many gaps of mean 1. Any whole number is a seed; the key has 128 bits."""
    dice = np.random.Generator(np.random.Philox(key=seed % 2**128))
    shape = arrivals.burstiness
    if arrivals.process == "poisson":
        return lambda n: dice.standard_exponential(n, method="inv")
    if not (shape > 0 and math.isfinite(shape)):
        raise ValueError(f"a burstiness must be above 0: {shape}")
    return lambda n: dice.standard_gamma(shape, n) / shape


def _replayed(offsets_s: tuple[float, ...]) -> NDArray[np.int64]:
    offsets = np.sort(np.array(offsets_s, dtype=np.float64))
    if not np.all((offsets >= 0) & (offsets <= LONGEST_S)):
        raise ValueError("the offsets of a replay must lie between 0 and a year")
    return np.rint(offsets * 1e9).astype(np.int64)
