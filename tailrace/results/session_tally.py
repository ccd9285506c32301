"""Session tally: the turns of sessions, added up from the rows of one level. Pure.

How long a turn's first token takes depends on how much was said before it, so each turn has a
histogram of its own; so has each round of tool results. Memory is bounded: late turns share one.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any, NamedTuple

from tailrace.results.hist import Hist
from tailrace.results.schema import Row
from tailrace.results.session_facts import SessionBooks
from tailrace.results.spread import summary_of

MOST_TURNS, MOST_STEPS = 32, 3
"""Turns, and rounds of a turn, that are told apart; those beyond are counted with the next one."""
BATCH = 2048


class Place(NamedTuple):
    """A place in a session: a turn, and the rounds of tool results before it in the turn."""

    turn: int
    step: int


class _Turn:
    """The measured requests that were answered at one place."""

    def __init__(self) -> None:
        self.requests = 0
        self.input_tokens = 0
        self.cached_tokens = 0
        self.counted = 0
        """Those whose input tokens the server states."""
        self._hist = Hist()
        self._values = array("q")

    def add(self, row: Row) -> None:
        self.requests += 1
        if row.input_tokens is not None:
            self.counted += 1
            self.input_tokens += row.input_tokens
            self.cached_tokens += row.cached_tokens or 0
        if row.first_output_ns is not None and row.sent_ns is not None:
            self._values.append(row.first_output_ns - row.sent_ns)
        if len(self._values) >= BATCH:
            _ = self.hist

    @property
    def hist(self) -> Hist:
        self._hist.add_many(self._values)
        del self._values[:]
        return self._hist


class SessionTally:
    """One level's; ``add`` takes every row, whether it belongs to a session or not."""

    def __init__(self) -> None:
        self.begun = 0
        self.finished = 0
        self.broken: Counter[str] = Counter()
        """Sessions that a failure ended, by its class."""
        self._turns: dict[Place, _Turn] = {}

    def add(self, row: Row) -> None:
        """One request of any phase; sessions count in all, their turns where they are measured."""
        if row.session is None:
            return
        if row.turn == 1 and row.step == 0:
            self.begun += 1
        if row.session_end and row.outcome == "ok":
            self.finished += 1
        elif row.session_end:
            self.broken[row.error_class or row.outcome] += 1
        if row.phase == "measure" and row.outcome == "ok":
            place = Place(min(row.turn, MOST_TURNS + 1), min(row.step, MOST_STEPS))
            self._turns.setdefault(place, _Turn()).add(row)

    def agrees(self, books: SessionBooks) -> bool:
        """Whether the rows say of the sessions what the books do."""
        rows = (self.begun, self.finished, self.broken.total())
        return rows == (books.begun, books.finished, books.broken)

    def result(self, books: SessionBooks | None) -> dict[str, Any] | None:
        """JSON-ready; None where there were no sessions."""
        if books is None and not self.begun:
            return None
        return {
            "books": None if books is None else {n: getattr(books, n) for n in _COUNTERS},
            "journal": {
                "begun": self.begun,
                "finished": self.finished,
                "broken": self.broken.total(),
            },
            "broken_by": dict(sorted(self.broken.items())),
            "turns": [_turn_result(place, turn) for place, turn in sorted(self._turns.items())],
        }


_COUNTERS = (
    *("begun", "finished", "broken", "unfinished"),
    *("tool_results", "tool_results_skipped", "calls_unanswered"),
)


def _turn_result(place: Place, turn: _Turn) -> dict[str, Any]:
    hist = turn.hist
    mean = round(turn.input_tokens / turn.counted, 1) if turn.counted else None
    cached = round(turn.cached_tokens / turn.input_tokens, 6) if turn.input_tokens else None
    return {
        "turn": place.turn,
        "and_later": place.turn > MOST_TURNS,
        "step": place.step,
        "requests": turn.requests,
        "input_tokens_mean": mean,
        "cached_share": cached,
        "ttft": {"n": hist.n, **summary_of(hist)},
    }
