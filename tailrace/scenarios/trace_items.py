"""Trace items: what a row of a trace asks, as the items that requests carry. Pure.

A prompt has the row's input length. With hash ids each block of it is the text of its id, so two
prompts begin alike exactly as far as their ids do; without, a row's prompt is its own. The answer's
length is asked for by max_tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tailrace.scenarios.items import Item
from tailrace.scenarios.texts import text_of_tokens
from tailrace.scenarios.trace_formats import BLOCK_TOKENS
from tailrace.scenarios.traces import Trace, TraceRow


class TraceItems:
    """Makes the items of one trace; ``salt`` makes the texts of one run unlike another's."""

    def __init__(self, trace: Trace, salt: str, past: Mapping[str, Item] | None = None) -> None:
        self._words_per_token = trace.words_per_token
        self._salt = salt
        self.past = past or {}
        """Prompts that a past run asked, by their ids."""

    def item(self, row: TraceRow) -> Item:
        """What the row asks, named by its line, or by the past prompt's own id."""
        past = self.past.get(row.prompt) if row.prompt else None
        if past is not None:
            tokens = past.max_tokens if row.output_tokens is None else row.output_tokens
            return replace(past, max_tokens=tokens)
        return Item(str(row.line), (("user", self.prompt(row)),), row.output_tokens)

    def prompt(self, row: TraceRow) -> str:
        """The text of the row's input."""
        left = row.input_tokens or 0
        parts = []
        for block in row.blocks:
            tokens = min(BLOCK_TOKENS, left)
            parts.append(self._text(tokens, f"block {block}"))
            left -= tokens
        if left or not parts:
            parts.append(self._text(left, f"line {row.line}"))
        return " ".join(parts)

    def _text(self, tokens: int, key: str) -> str:
        return text_of_tokens(tokens, f"{self._salt} {key}", self._words_per_token)
