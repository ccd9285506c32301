"""Dice: chances that are the same for the same run, whoever throws them. Pure.

A chance depends on a seed, a stream (what it is thrown for) and a number (the request's), and on
nothing that was thrown before, so workers that share a run out agree without a word.
"""

from __future__ import annotations

from hashlib import blake2b

_BITS = 52


def chance(seed: int, stream: str, number: int) -> float:
    """Uniform in the open interval from 0 to 1."""
    digest = blake2b(f"{seed}:{stream}:{number}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> (64 - _BITS)) + 0.5) / float(1 << _BITS)


def shuffled(count: int, seed: int) -> list[int]:
    """The numbers from 0 to ``count`` - 1 in an order that the seed decides."""
    return sorted(range(count), key=lambda number: chance(seed, "order", number))
