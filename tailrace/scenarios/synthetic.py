"""Synthetic: prompts made for their length, each request's its own. Pure.

Rule: what the ``sequence``-th request asks follows from the seed, the salt and the sequence alone.
Sizes follow from seed and sequence, so a repeated run asks for the same lengths; words follow from
the salt as well, so that with a fresh one no prefix cache knows them, and no nonce, which would
cost tokens, is needed. With shared prefixes a request's text begins with one of them, chosen by
seed, and its own part follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.scenarios.data import UNALIGNED, Alignment, Data
from tailrace.scenarios.dice import chance
from tailrace.scenarios.items import Item
from tailrace.scenarios.pictures import Pictures, with_parts
from tailrace.scenarios.pieces import Pieces
from tailrace.scenarios.sizes import Sizes

TYPICAL = 0.5
"""The chance whose size stands for a distribution: its median."""


class Prefixes:
    """Texts that requests share; ``of`` a sequence is the one that it begins with, or nothing."""

    def __init__(self, count: int, tokens: int, pieces: Pieces, seed: int, salt: str) -> None:
        self._seed = seed
        self.texts = tuple(
            pieces.text(tokens, f"{salt}:{seed}:prefix:{number}")
            for number in range(count if tokens else 0)
        )

    def of(self, sequence: int) -> str:
        """The text, empty where nothing is shared."""
        if not self.texts:
            return ""
        return self.texts[int(chance(self._seed, "prefix", sequence) * len(self.texts))]


class Synthetic:
    """A source of made prompts."""

    distinct: int | None = None

    def __init__(
        self,
        data: Data,
        pieces: Pieces,
        seed: int,
        salt: str,
        input_values: Sequence[int] = (),
        output_values: Sequence[int] = (),
        pictures: Pictures | None = None,
        alignment: Alignment | None = None,
    ) -> None:
        """``*_values``: what the sizes' files hold. ``salt`` is empty where runs repeat texts."""
        assert data.input_tokens is not None
        self._input = data.input_tokens
        self._output = data.output_tokens
        self._input_values, self._output_values = input_values, output_values
        self._pieces = pieces
        self._seed, self._salt = seed, salt
        self._pictures = pictures
        self._alignment = alignment or UNALIGNED
        prefix_pieces = 0
        if data.prefix_tokens:
            rate = self._alignment.tokens_per_piece
            prefix_pieces = Alignment(rate, 0.0).pieces(data.prefix_tokens)
        self._prefixes = Prefixes(data.prefix_pool, prefix_pieces, pieces, seed, salt)

    def item(self, sequence: int) -> Item:
        """See Source.item."""
        tokens = _size(self._input, "input", self._input_values, self._seed, sequence)
        text = self._text(self._alignment.pieces(tokens), sequence, self._prefixes.of(sequence))
        limit = None
        if self._output is not None:
            limit = _size(self._output, "output", self._output_values, self._seed, sequence)
        return self._made(f"s{sequence}", text, sequence, limit)

    def probe(self, pieces: int, number: int) -> Item:
        """A prompt of so many pieces without a shared prefix, that asks for one token."""
        key = f"{self._salt}:{self._seed}:probe:{number}"
        return self._made(f"probe{number}", self._pieces.text(pieces, key), -1 - number, 1)

    @property
    def typical_tokens(self) -> int:
        """The median of the sizes."""
        values = sorted(self._input_values)
        return self._input.draw(TYPICAL, values)

    def _text(self, pieces: int, sequence: int, prefix: str) -> str:
        key = f"{self._salt}:{self._seed}:{sequence}"
        return prefix + self._pieces.text(pieces, key, goes_on=bool(prefix))

    def _made(self, name: str, text: str, sequence: int, limit: int | None) -> Item:
        content = with_parts(text, () if self._pictures is None else self._pictures.of(sequence))
        return Item(name, (("user", content),), max_tokens=limit, nonce=False)


def _size(sizes: Sizes, what: str, values: Sequence[int], seed: int, sequence: int) -> int:
    return sizes.draw(chance(seed, sizes.stream(what), sequence), values)
