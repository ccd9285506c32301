"""Timeline: the stamped deltas of one request, and the Row that comes of them. Pure.

Stamps come in as the run's clock read them (absolute); the Row holds them since the run's origin.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any

from tailrace.engine.dialects.delta import Delta, Usage
from tailrace.engine.dialects.tool_calls import assembled
from tailrace.results.schema import Row


class Timeline:
    """Notes what an answer said and when; ``fill`` writes it into a row."""

    __slots__ = (
        "_calls",
        "_chunk_tokens",
        "_first_answer_ns",
        "_first_event_ns",
        "_outputs_ns",
        "_reasonings",
        "_running_tokens",
        "_texts",
        "_usage",
        "_whole_ns",
        "done",
        "error",
        "finish_reason",
        "refused",
    )

    def __init__(self, keep_text: bool = False) -> None:
        self._texts: list[str] | None = [] if keep_text else None
        self._reasonings: list[str] = []
        self._calls: list[Any] = []
        self._first_event_ns: int | None = None
        self._first_answer_ns: int | None = None
        self._outputs_ns = array("q")
        self._running_tokens: list[int] = []
        """The server's output token count so far, at each output chunk that stated it."""
        self._chunk_tokens: list[int] = []
        """Tokens of each output chunk that listed them."""
        self._usage: Usage | None = None
        self._whole_ns: int | None = None
        """When an answer with output that was not streamed was there; it has no other times."""
        self.finish_reason: str | None = None
        self.error: str | None = None
        self.done = False
        self.refused = False

    def note(self, at_ns: int, delta: Delta) -> None:
        """One event, with the stamp of the read that completed it."""
        if self._first_event_ns is None:
            self._first_event_ns = at_ns
        usage = delta.usage
        if delta.text or delta.reasoning or delta.tool:
            self._outputs_ns.append(at_ns)
            if self._first_answer_ns is None and delta.text:
                self._first_answer_ns = at_ns
            if self._texts is not None:
                self._texts.append(delta.text)
                self._reasonings.append(delta.reasoning)
            if usage is not None:
                self._note_tokens(usage)
        if delta.refusal and (delta.text or delta.finish_reason):
            self.refused = True
        if delta.calls is not None and self._texts is not None:
            self._calls.append(delta.calls)
        if delta.finish_reason is not None:
            self.finish_reason = delta.finish_reason
        if usage is not None:
            known = self._usage
            self._usage = usage if known is None else _together(known, usage)
        if delta.error is not None:
            self.error = delta.error
        if delta.done:
            self.done = True

    def _note_tokens(self, usage: Usage) -> None:
        if usage.output_tokens is not None:
            self._running_tokens.append(usage.output_tokens)
        if usage.chunk_tokens is not None:
            self._chunk_tokens.append(usage.chunk_tokens)

    def note_whole(self, at_ns: int, delta: Delta) -> None:
        """All of an answer that was not streamed, with the stamp of the read that completed it.

        That is its only time: it has no first output, and no chunks.
        """
        self.note(at_ns, delta)
        if self._outputs_ns:
            self._whole_ns = at_ns
            del self._outputs_ns[:]
        self._first_event_ns = self._first_answer_ns = None

    @property
    def chunks(self) -> int:
        """Output-bearing chunks so far."""
        return len(self._outputs_ns)

    @property
    def has_output(self) -> bool:
        """Whether anything of the answer came."""
        return bool(self._outputs_ns) or self._whole_ns is not None

    def fill(self, row: Row, origin_ns: int) -> None:
        """Write what was noted into ``row``, times relative to ``origin_ns``."""
        outputs = self._outputs_ns
        row.first_event_ns = _since(origin_ns, self._first_event_ns)
        row.first_answer_ns = _since(origin_ns, self._first_answer_ns)
        row.chunks = len(outputs)
        row.finish_reason = self.finish_reason
        row.refused = self.refused
        if outputs:
            row.first_output_ns = outputs[0] - origin_ns
            row.last_output_ns = outputs[-1] - origin_ns
            row.gaps_ns = [later - earlier for earlier, later in pairwise(outputs)]
        elif self._whole_ns is not None:
            row.last_output_ns = self._whole_ns - origin_ns
        if self._texts is not None:
            row.text, row.reasoning = "".join(self._texts), "".join(self._reasonings)
            row.tool_calls = assembled(self._calls) or None
        self._fill_tokens(row)

    def _fill_tokens(self, row: Row) -> None:
        row.chunk_tokens = self._tokens_by_chunk(row.chunks)
        usage = self._usage
        if usage is not None:
            row.input_tokens = usage.input_tokens
            row.cached_tokens = usage.cached_tokens
            row.reasoning_tokens = usage.reasoning_tokens
        if usage is not None and usage.output_tokens is not None:
            row.output_tokens, row.token_source = usage.output_tokens, "usage"
        elif row.chunks:
            counted = sum(row.chunk_tokens) if row.chunk_tokens else row.chunks
            row.output_tokens, row.token_source = counted, "counted"

    def _tokens_by_chunk(self, chunks: int) -> list[int] | None:
        """Tokens of every output chunk, where each said so: by its own list, or the usage's rise.

        A list that does not add up to the usage (special tokens, a chunk left out) counts less than
        the usage does.
        """
        listed, running = self._chunk_tokens, self._running_tokens
        if len(running) == chunks > 1:
            return [running[0], *(b - a for a, b in pairwise(running))]
        total = None if self._usage is None else self._usage.output_tokens
        if len(listed) == chunks > 0 and total in (None, sum(listed)):
            return listed
        return None


def _together(known: Usage, later: Usage) -> Usage:
    """What is known when an answer states its usage in parts."""
    both = zip(known, later, strict=True)
    return Usage(*(old if new is None else new for old, new in both))


def _since(origin_ns: int, at_ns: int | None) -> int | None:
    return None if at_ns is None else at_ns - origin_ns
