"""Session books: how many sessions of a level began, and how they ended. Pure.

Law: begun = finished + broken + unfinished. They are kept by whoever holds the sessions; the
journal's rows say the same of begun, finished and broken, and the verdict compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields


@dataclass(slots=True)
class SessionBooks:
    """The counters of one level, warm-up included."""

    begun: int = 0
    finished: int = 0
    """Every turn was answered."""
    broken: int = 0
    """A turn failed or timed out, and the session ended with it."""
    unfinished: int = 0
    """The level ended first."""
    tool_results: int = 0
    """Scripted results that answered a call."""
    tool_results_skipped: int = 0
    """Scripted results that no call asked for."""
    calls_unanswered: int = 0
    """Calls that no scripted result was left for."""

    def balanced(self) -> bool:
        """Whether the law holds; only asked after the level has ended."""
        return self.begun == self.finished + self.broken + self.unfinished


def sum_sessions(books: Iterable[SessionBooks | None]) -> SessionBooks | None:
    """Several workers' as one; None where nobody held sessions."""
    held = [each for each in books if each is not None]
    if not held:
        return None
    return SessionBooks(
        *(sum(getattr(each, field.name) for each in held) for field in fields(SessionBooks))
    )


def session_reasons(where: str, books: SessionBooks, journal: Mapping[str, int]) -> Iterable[str]:
    """Why the sessions of a level cannot be believed, one sentence each."""
    if not books.balanced():
        yield (
            f"{where}: the sessions do not balance: {books.begun} begun, {books.finished} "
            f"finished, {books.broken} broken off, {books.unfinished} unfinished"
        )
    for name, kept in journal.items():
        counted = getattr(books, name)
        if kept != counted:
            yield f"{where}: {counted} sessions {name}, the journal has {kept}"
