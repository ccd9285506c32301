"""Blocks: neighbouring requests as one unit of chance, as large as needs be. Pure.

Requests that run at the same time share the server's moods, so they are not independent, and an
interval that draws them one by one is too narrow. Batch means is the classical cure (Schmeiser
1982, "Batch size effects in the analysis of simulation output": 10 to 30 batches lose little): a
level is cut into up to 32 blocks of neighbours in time, and whole blocks are drawn. Whether blocks
are still alike their neighbours is asked of von Neumann's ratio (1941); while they are, two become
one. Where the last blocks still are, nothing can be said, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST = 32
FEWEST = 8
_MERGE = 0.8
"""Standard errors from which neighbours count as alike: merging needlessly costs little."""
_REFUSE = (2.58, 1.96)
"""Standard errors from which the last two stages of merging count as dependent."""

_ROUNDING = 1e-6
"""Means that differ by less than this part of themselves are all the same."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How many blocks, and whether even they depend on each other."""

    count: int
    dependent: bool = False


def likeness(means: Floats) -> float:
    """How alike neighbours are, in standard errors of von Neumann's ratio; 0 for none at all."""
    k = len(means)
    if k < 3 or np.ptp(means) <= _ROUNDING * np.abs(means).max():
        return 0.0
    ratio = float((np.diff(means) ** 2).sum() / ((means - means.mean()) ** 2).sum())
    error: float = (4 * (k - 2) / (k**2 - 1)) ** 0.5
    return (2.0 - ratio) / error


def blocks_of(units: int, means_of: Callable[[int], Floats]) -> Blocks:
    """As many blocks of ``units`` (requests or slices) as are independent of each other.

    ``means_of(k)`` gives the mean of what is looked at in each of k blocks.
    """
    count, far_too_alike = min(MOST, units), False
    while True:
        alike = likeness(means_of(count))
        if count < 2 * FEWEST:
            return Blocks(count, far_too_alike or alike > _REFUSE[1])
        if -1.96 < alike < _MERGE:
            return Blocks(count)
        far_too_alike = alike > _REFUSE[0]
        count //= 2


def block_of_each(units: int, count: int) -> NDArray[np.int64]:
    """The block, from 0, of each unit in order; sizes differ by one at most."""
    return np.arange(units) * count // units


def sums(values: Floats, blocks: NDArray[np.int64], count: int) -> Floats:
    """The sum of the values in each block."""
    return np.bincount(blocks, values, count).astype(np.float64)
