"""Items: what the requests of a run ask, one item a request. Pure.

A source gives items by number: the ``sequence``-th request of a run asks ``source.item(sequence)``,
whichever worker sends it, so a run can be repeated and its work be shared out without a word.
Which of a finite list a request takes is the list's rule (``Listed``); a source may also make each
item anew, for as long as the run goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Content = str | tuple[dict[str, Any], ...] | dict[str, Any]
"""Text, or the parts of a message (text, images) as the chat API writes them, or all of a message
but its role, where it has more than a content (tool calls)."""
Message = tuple[str, Content]
"""(role, content)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask. ``None`` leaves a setting to the scenario."""

    id: str
    """Kept in the row of each request that asks it."""
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    model: str | None = None
    """Another model of the same server, such as an adapter (LoRA); None is the run's own."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Keys of its own for the request's body."""
    facets: tuple[str, ...] = ()
    """What a judge of its answers is to look at."""
    tags: tuple[str, ...] = ()
    nonce: bool = True
    """Whether a nonce may go before it; False where its text is its own, or begins as others do."""


def with_system(messages: tuple[Message, ...], system: str | None) -> tuple[Message, ...]:
    """The messages behind a system message, where there is one and they have none of their own."""
    if system is None or any(role == "system" for role, _ in messages):
        return messages
    return (("system", system), *messages)


def begun(content: Content, lead: str) -> Content:
    """The content with a text before it; where there is more than a content, as it is."""
    if isinstance(content, str):
        return lead + content
    if isinstance(content, dict):
        return content
    return ({"type": "text", "text": lead}, *content)


class Source(Protocol):
    """Where items come from."""

    distinct: int | None
    """How many different items there are; None where each request's is its own."""

    def item(self, sequence: int) -> Item:
        """What the ``sequence``-th request of the run asks; the same whenever it is called."""
        ...


class Listed:
    """Items of a list, taken in turn, in the order given."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        self.distinct: int | None = len(self.items)

    def item(self, sequence: int) -> Item:
        """See Source.item."""
        return self.items[sequence % len(self.items)]


def from_texts(texts: Sequence[str]) -> Listed:
    """Prompts as typed: each a user's message, named by its place, from 1."""
    return Listed(
        [Item(str(number), (("user", text),)) for number, text in enumerate(texts, start=1)]
    )
