"""Told: what the shapes of shapes.py have in common: who is answered, and an event. Pure."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from tailrace.simulate.ask import Ask, Refusal
from tailrace.simulate.chunks import CYCLE, event, words


class Told:
    """The base of a shape."""

    kind: bytes = b"text/event-stream; charset=utf-8"
    reasons: ClassVar[dict[str, str]] = {}
    """The shape's own words for why an answer ends."""

    def __init__(self, ask: Ask, number: int, created: int) -> None:
        self.ask = ask
        self.number = number
        self.created = created

    def role(self) -> bytes:
        """Nothing opens the stream."""
        return b""

    def error(self, refusal: Refusal) -> bytes:
        """The error object, as an event."""
        return self.say({"error": refusal.error()})

    def garbage(self) -> bytes:
        """An event that breaks off inside its JSON."""
        return event(b'{"content":"')

    def say(self, data: dict[str, Any]) -> bytes:
        """One event."""
        return event(orjson.dumps(data))

    def words(self, first: int, count: int) -> str:
        """Text of a chunk."""
        return words(first % CYCLE, count).decode()

    def reason(self, reason: str) -> str:
        """Why it ends, in the shape's own words."""
        return self.reasons.get(reason, reason)
