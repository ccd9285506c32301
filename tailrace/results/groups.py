"""Groups: the requests of a level by what they asked, prompt by prompt or model by model. Pure.

Rule: of each group n, mean and p95 (the value of rank ceil(0.95 n), exact) of TTFT, E2E and output
tokens, over measured requests that ended ok. An outlier is a request with a value x for which
|x - median| > 3.5 * 1.4826 * MAD within its group of 5 or more; MAD is the median
of |x - median|.

Why exact and not by histogram: groups are small. Of each up to 5,000 requests are kept, some 36
bytes each; of a larger group every 2nd, 4th, 8th (thinned.py), on which p95 and outliers then rest.
So only a result that is rebuilt has groups, and only of few things.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tailrace.results.hist import rank_of
from tailrace.results.schema import Row
from tailrace.results.stats import sample_floor
from tailrace.results.thinned import Thinned

MOST_GROUPS = 50
MOST_KEPT = 5_000
"""Requests of one group that are kept."""
OUTLIER_FACTOR = 3.5 * 1.4826
FEWEST_FOR_OUTLIERS = 5
OUTLIER_RULE = "|x - median| > 3.5 * 1.4826 * MAD, from 5 requests on"
MOST_OUTLIERS = 20
"""Listed of one group; all are counted."""
METRICS = {"ttft": "_ns", "e2e": "_ns", "output_tokens": ""}
"""Metric -> the unit behind the names of its figures."""
_UNKNOWN = -1
_PERCENT = 95.0


class Group:
    """The requests that asked one thing."""

    def __init__(self) -> None:
        self.ended = 0
        self._kept = Thinned(len(METRICS), MOST_KEPT)
        """Of requests that ended ok, in the journal's order; -1 where there is no value."""
        self._ids = bytearray()
        """Ids of those kept, one a line."""
        self._sums = [0] * len(METRICS)
        self._counts = [0] * len(METRICS)

    def add(self, row: Row) -> None:
        """Add a measured request."""
        self.ended += 1
        if row.outcome != "ok" or row.sent_ns is None:
            return
        first = row.first_output_ns if row.streamed else None
        last, tokens = row.last_output_ns, row.output_tokens
        ttft = _UNKNOWN if first is None else first - row.sent_ns
        e2e = _UNKNOWN if last is None else last - row.sent_ns
        values = (ttft, e2e, _UNKNOWN if tokens is None else tokens)
        for place, value in enumerate(values):
            if value != _UNKNOWN:
                self._sums[place] += value
                self._counts[place] += 1
        kept, every = self._kept, self._kept.every
        if kept.seen % every == 0:
            self._ids += row.id.encode() + b"\n"
        kept.add(values)
        if kept.every > every:
            self._ids = bytearray().join(self._ids.splitlines(keepends=True)[::2])

    def result(self) -> dict[str, Any]:
        """JSON-ready; times in ns."""
        columns = dict(zip(METRICS, self._kept.table.T, strict=True))
        ids = self._ids.decode().split("\n")[:-1]
        return {
            "n": self._kept.seen,
            "not_ok": self.ended - self._kept.seen,
            "kept_of_every": self._kept.every,
            **{
                name: self._summary(place, name, columns[name])
                for place, name in enumerate(METRICS)
            },
            "outliers": _outliers(columns, ids),
        }

    def _summary(self, place: int, name: str, column: npt.NDArray[np.int64]) -> dict[str, Any]:
        """The mean is of all requests, p95 of those kept."""
        unit = METRICS[name]
        known = np.sort(column[column != _UNKNOWN])
        n = len(known)
        if not n:
            return {f"mean{unit}": None, f"p95{unit}": None, "p95_certified": False}
        return {
            f"mean{unit}": round(self._sums[place] / self._counts[place], 1),
            f"p95{unit}": int(known[rank_of(_PERCENT, n) - 1]),
            "p95_certified": n >= sample_floor(_PERCENT),
        }


class Groups:
    """Groups of the rows of one stage by a key; nothing once there are too many of them."""

    def __init__(
        self, name: str, key: Callable[[Row], str | None], fewest: int = 1, least_asked: int = 1
    ) -> None:
        """Told under ``name`` where there are ``fewest`` groups and one has ``least_asked``."""
        self._name, self._key = name, key
        self._fewest, self._least_asked = fewest, least_asked
        self._groups: dict[str, Group] = {}
        self._too_many = False

    def add(self, row: Row) -> None:
        """Add a measured request; one without a key is in no group."""
        key = self._key(row)
        if not key or self._too_many:
            return
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) == MOST_GROUPS:
                self._too_many = True
                self._groups.clear()
                return
            group = self._groups[key] = Group()
        group.add(row)

    def result(self) -> list[dict[str, Any]]:
        """One entry a group, in the order of their names."""
        most_asked = max((group.ended for group in self._groups.values()), default=0)
        if len(self._groups) < self._fewest or most_asked < self._least_asked:
            return []
        keys = sorted(self._groups, key=_natural)
        return [{self._name: key} | self._groups[key].result() for key in keys]


def groups_of_stage() -> dict[str, Groups]:
    """All, by their names in result.json."""
    return {"prompts": by_prompt(), "mix": by_model(), "urls": by_url(), "peers": by_peer()}


def by_prompt() -> Groups:
    """By the id of the item that was asked, where several are and not each only once."""
    return Groups("prompt", lambda row: row.prompt, fewest=2, least_asked=2)


def by_model() -> Groups:
    """By the model that was asked, where the requests of a run ask several."""
    return Groups("model", lambda row: row.model)


def by_url() -> Groups:
    """By the number of the base URL, where there are several."""
    return Groups("url", lambda row: str(row.url), fewest=2)


def by_peer() -> Groups:
    """By the address that the connection led to, where rows keep it."""
    return Groups("peer", lambda row: row.peer)


def _natural(key: str) -> list[tuple[int, str]]:
    """``p2`` before ``p10``."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", key)]


def _outliers(columns: dict[str, npt.NDArray[np.int64]], ids: list[str]) -> dict[str, Any]:
    """How many requests are outliers by any metric, and those that are furthest off."""
    found: list[tuple[float, int, str]] = []
    for name, column in columns.items():
        known = np.flatnonzero(column != _UNKNOWN)
        if len(known) < FEWEST_FOR_OUTLIERS:
            continue
        values = column[known]
        off = np.abs(values - np.median(values))
        mad = float(np.median(off))
        for index in np.flatnonzero(off > OUTLIER_FACTOR * mad):
            how_far = float(off[index]) / mad if mad else math.inf
            found.append((-how_far, int(known[index]), name))
    found.sort()
    return {
        "requests": len({index for _, index, _ in found}),
        "listed": [
            {
                "id": ids[index],
                "metric": name,
                f"value{METRICS[name]}": int(columns[name][index]),
            }
            for _, index, name in found[:MOST_OUTLIERS]
        ],
    }
