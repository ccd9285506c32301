"""Texts of a wanted length, made of common English words; the same for the same key. Pure.

Rule: a token is taken as so many words (``words_per_token``), since nobody asks a tokenizer here.
The words are short and common, so most tokenizers take each as one token, and 1 is the default;
what the server counted stands in the result. Texts of different keys differ in their first words,
so no prefix cache can take one for another. The longer text of a key begins with the shorter one.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from itertools import accumulate
from random import Random

WORDS_PER_TOKEN = 1.0

_TEXT = (
    "the of and to in is you that it he was for on are as with his they at be this have from or "
    "one had by word but not what all were we when your can said there use an each which she do "
    "how their if will up other about out many then them these so some her would make like him "
    "into time has look two more write go see number no way could people my than first water been "
    "call who oil its now find long down day did get come made may part over new sound take only "
    "little work know place year live me back give most very after thing our just name good great "
    "man think say"
)
_WORDS = _TEXT.split()
_KEY_WORDS = 5
"""Some 35 bits of a key stand in a text's first words."""
_POOL_WORDS = 8192
_RUN_WORDS = 4096
"""Words that are taken from the pool in a row."""


def text_of_tokens(tokens: int, key: str, words_per_token: float = WORDS_PER_TOKEN) -> str:
    """About ``tokens`` tokens of text, at least one word; ``key`` decides which words."""
    count = max(1, round(tokens * words_per_token))
    digest = blake2b(key.encode(), digest_size=16).digest()
    parts = [_WORDS[byte % len(_WORDS)] for byte in digest[: min(_KEY_WORDS, count)]]
    left, first = count - _KEY_WORDS, int.from_bytes(digest[8:], "big")
    while left > 0:
        parts.append(_run(first % _POOL_WORDS, min(left, _RUN_WORDS)))
        left -= _RUN_WORDS
        first += 7919  # a prime, so that a long text has no period
    return " ".join(parts)


def _run(first: int, count: int) -> str:
    """So many words of the pool, cut out of its text: a prompt of 100,000 tokens is soon made."""
    text, places = _pool()
    return text[places[first] : places[first + count] - 1]


@cache
def _pool() -> tuple[str, list[int]]:
    """Words in random order, more than a run may begin at; and where each begins."""
    words = Random("texts").choices(_WORDS, k=_POOL_WORDS + _RUN_WORDS)
    places = list(accumulate((len(word) + 1 for word in words), initial=0))
    return " ".join(words), places
