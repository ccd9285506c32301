"""Pieces: text of a given number of tokens, put together from parts of known size. Pure.

Rule: every piece is one token wherever it stands, so a text of n pieces has n tokens by
construction. With a tokenizer the pieces are words that it counts as one, tried in long texts;
without one they are common words of four letters, which most vocabularies hold whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import shake_128
from string import ascii_letters, digits

from tailrace.errors import UsageError

_TABLE = 256
"""A byte of a digest picks a piece."""
_FEWEST = 2
_TRIED = (1, 2, 3, 5, 16, 64, 257, 1500)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Two tables of 256: what a text may begin with, and what may follow."""

    first: tuple[str, ...]
    rest: tuple[str, ...]

    def text(self, count: int, key: str, goes_on: bool = False) -> str:
        """``count`` pieces, the same for the same key; ``goes_on`` after another text."""
        digest = shake_128(key.encode()).digest(count)
        if goes_on:
            return "".join(map(self.rest.__getitem__, digest))
        return self.first[digest[0]] + "".join(map(self.rest.__getitem__, digest[1:]))


def _table(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(texts[index % len(texts)] for index in range(_TABLE))


def pieces_for(count: Callable[[str], int], where: str) -> Pieces:
    """Pieces that are one token each by ``count``; ``where`` names the tokenizer.

    Raises UsageError when it has none, or joins them in longer texts.
    """
    candidates = (*WORDS, *ascii_letters, *digits)
    first = [text for text in candidates if count(text) == 1]
    for lead in (" ", ""):
        rest = [lead + text for text in candidates if _adds_one(count, first, lead + text)]
        if len(first) < _FEWEST or len(rest) < _FEWEST:
            continue
        found = Pieces(_table(first), _table(rest))
        if all(count(found.text(size, f"try:{size}")) == size for size in _TRIED):
            return found
    raise UsageError(
        f"{where} has no words that are one token each wherever they stand, so prompts of an exact "
        "length cannot be made with it; leave --tokenizer out and the server's counts are used"
    )


def _adds_one(count: Callable[[str], int], first: Sequence[str], text: str) -> bool:
    return all(count(begin + text + text) == 3 for begin in first[:2])


_WORDS = """
able acid aged also area army away baby back ball band bank base bath bear beat
been beer bell belt best bill bird blow blue boat body bold bond bone book boom
born boss both bowl bulk burn bush busy call calm came camp card care case cash
cast cell chat chip city club coal coat code cold come cook cool cope copy core
cost crew crop dark data date dawn days deck deal dean dear debt deep desk dial
diet disc disk does done door dose down draw drew drop drug dual duke dust duty
each earn ease east easy edge else even ever face fact fail fair fall farm fast
fate fear feed feel feet fell felt file fill film find fine fire firm fish five
flat flow food foot form fort four free from fuel full fund gain game gate gave
gear gift girl give glad goal goes gold golf gone good gray grew grey grow gulf
hair half hall hand hang hard harm hawk have head hear heat held hell help here
hero high hill hire hold hole holy home hope host hour huge hunt hurt idea inch
into iron item join jump jury just keen keep kept kick kind king knee knew know
lack lady laid lake land lane last late lead left less life lift like line link
list live load loan lock logo long look lord lose loss lost love luck made mail
main make male many mark mass meal mean meat meet menu mere mile milk mind mine
"""
WORDS: tuple[str, ...] = tuple(_WORDS.split())
PLAIN = Pieces(WORDS, tuple(" " + word for word in WORDS))
"""Without a tokenizer."""
