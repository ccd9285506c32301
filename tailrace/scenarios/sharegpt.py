"""ShareGPT: the first question of a conversation and its answer. Pure.

A turn is ``{"from": "human", "value": …}``, or ``{"role": "user", "content": …}`` as others write
it. Real files have conversations that begin with an answer, or have none: those give nothing. A
turn that is no turn at all is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tailrace.errors import UsageError

_ASKS = frozenset({"human", "user"})
_ANSWERS = frozenset({"gpt", "assistant", "chatgpt", "model", "bing", "bard"})
WORDS_TO_TOKENS = 4 / 3
"""Without a tokenizer an answer counts so many tokens a word."""


class Exchange(NamedTuple):
    """A question, its answer, and the system message before them, if any."""

    question: str
    answer: str
    system: str | None


def first_exchange(where: str, turns: Any) -> Exchange | None:
    """None where there is no question that was answered. Raises UsageError naming the turn."""
    if not isinstance(turns, list):
        raise UsageError(f"{where}: field 'conversations' is not a list of turns")
    system: str | None = None
    question: str | None = None
    for index, turn in enumerate(turns):
        speaker, text = _turn(f"{where}: field 'conversations[{index}]'", turn)
        if speaker == "system" and question is None:
            system = text
        elif speaker in _ASKS and question is None:
            question = text
        elif speaker in _ANSWERS and question is not None:
            said = question.strip() and text.strip()
            return Exchange(question, text, system or None) if said else None
    return None


def _turn(at: str, turn: Any) -> tuple[str, str]:
    if not isinstance(turn, Mapping):
        raise UsageError(f"{at} is no object with 'from' and 'value'")
    speaker, text = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
    if not isinstance(speaker, str):
        raise UsageError(f"{at} does not say who speaks; give it a 'from' like human or gpt")
    if not isinstance(text, str):
        raise UsageError(f"{at} has no text; give it a 'value'")
    return speaker.lower(), text


def words_as_tokens(text: str) -> int:
    """Tokens of a text by its words, where no tokenizer is at hand."""
    return round(len(text.split()) * WORDS_TO_TOKENS)
