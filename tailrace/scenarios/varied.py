"""Varied: sources that change another's items from request to request. Pure.

Each change is drawn by seed and sequence, so every worker draws the same.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from tailrace.errors import UsageError
from tailrace.scenarios.data import MixPart
from tailrace.scenarios.dice import chance
from tailrace.scenarios.items import Item, Source, begun
from tailrace.scenarios.prompts import SLOT_LEAD
from tailrace.scenarios.sizes import Sizes
from tailrace.scenarios.synthetic import Prefixes


class Mixed:
    """Each request asks one of several models, by weight."""

    def __init__(self, source: Source, mix: Sequence[MixPart], seed: int) -> None:
        self._source = source
        self._models = [part.model for part in mix]
        total = sum(part.weight for part in mix)
        self._edges = list(accumulate(part.weight / total for part in mix))[:-1]
        self._seed = seed
        self.distinct = None if source.distinct is None else source.distinct * len(mix)
        self._known: dict[tuple[int, int], tuple[Item, Item]] = {}
        """By item and model, so that an encoded body serves again."""

    def item(self, sequence: int) -> Item:
        """See Source.item."""
        item = self._source.item(sequence)
        which = bisect(self._edges, chance(self._seed, "mix", sequence))
        if self.distinct is None:
            return replace(item, model=self._models[which])
        known = self._known.get((id(item), which))
        if known is None:
            known = self._known[id(item), which] = item, replace(item, model=self._models[which])
        return known[1]


class Limited:
    """Each request has an output length of its own."""

    def __init__(self, source: Source, sizes: Sizes, values: Sequence[int], seed: int) -> None:
        self._source = source
        self._sizes, self._values = sizes, values
        self._seed = seed
        self.distinct: int | None = None

    def item(self, sequence: int) -> Item:
        """See Source.item."""
        at = chance(self._seed, self._sizes.stream("output"), sequence)
        return replace(self._source.item(sequence), max_tokens=self._sizes.draw(at, self._values))


class Prefixed:
    """Each request begins with one of the shared prefixes; a nonce comes after it."""

    def __init__(self, source: Source, prefixes: Prefixes, nonce: bool) -> None:
        self._source = source
        self._prefixes = prefixes
        self._slot = SLOT_LEAD if nonce else ""
        self.distinct: int | None = None

    def item(self, sequence: int) -> Item:
        """See Source.item."""
        item = self._source.item(sequence)
        lead = f"{self._prefixes.of(sequence)}\n\n{self._slot}"
        (role, content), *rest = item.messages
        return replace(item, messages=((role, begun(content, lead)), *rest), nonce=False)


def parse_mix(text: str, what: str = "--mix") -> tuple[MixPart, ...]:
    """``base:3,lora-a:1``: models of the same server with their weights."""
    parts: list[MixPart] = []
    for part in text.split(","):
        model, colon, weight = part.strip().rpartition(":")
        if not colon or not model or not re.fullmatch(r"\d{1,9}(?:\.\d+)?", weight):
            raise UsageError(
                f"{what} {part.strip()!r} is not a model and its weight like base:3,lora-a:1"
            )
        if float(weight) <= 0:
            raise UsageError(f"{what} {part.strip()!r} has no weight; leave the model out")
        if model in (known.model for known in parts):
            raise UsageError(f"{what} names {model!r} twice; give one weight")
        parts.append(MixPart(model, float(weight)))
    return tuple(parts)
