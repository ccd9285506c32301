"""A dataset: sums, as many as you like, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any


def sums(n: int = 20, digits: int = 2, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Records as a prompt file has them; see docs/data.md of tailrace for their fields."""
    dice = Random(seed)
    for number in range(n):
        one, other = dice.randrange(10**digits), dice.randrange(10**digits)
        yield {
            "id": f"sum-{number}",
            "prompt": f"What is {one} + {other}? Answer with the number only.",
            "max_tokens": digits + 2,
            "tags": ["arithmetic"],
        }
