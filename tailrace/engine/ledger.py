"""Ledger: counts every request at its start and at its end, and how many are in flight. Pure.

Double entry: the ledger counts what the scheduler did, the journal holds what came of it, and the
verdict compares the two.
"""

from __future__ import annotations

from tailrace.results.facts import Books
from tailrace.results.schema import Outcome


class Ledger:
    """Books and in-flight time of one stage; times are ns on any one clock, never going back."""

    def __init__(self, books: Books, from_ns: int, until_ns: int | None) -> None:
        """The in-flight time is kept within [from_ns, until_ns); None: until ``close``."""
        self.books = books
        self.in_flight = 0
        self.max_in_flight = 0
        """Highest number in flight at any moment of the stage, warm-up included."""
        self.in_flight_ns: dict[int, int] = {}
        self._from_ns = from_ns
        self._until_ns = until_ns
        self._last_ns = from_ns

    def start(self, at_ns: int) -> None:
        """A planned request goes out."""
        self._advance(at_ns)
        self.books.started += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def end(self, at_ns: int, outcome: Outcome) -> None:
        """A request has its outcome."""
        self._advance(at_ns)
        self.in_flight -= 1
        setattr(self.books, outcome, getattr(self.books, outcome) + 1)

    def pause(self, at_ns: int, first: bool) -> None:
        """A request has failed and will be sent again; until then it is not in flight.

        ``first``: for the first time.
        """
        self._advance(at_ns)
        self.in_flight -= 1
        self.books.retries += 1
        self.books.retried += first

    def resume(self, at_ns: int) -> None:
        """It is sent again, or given up while it waited."""
        self._advance(at_ns)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def close(self, at_ns: int) -> None:
        """Nothing is counted as in-flight time after this moment."""
        self._advance(at_ns)
        if self._until_ns is None or self._until_ns > at_ns:
            self._until_ns = at_ns

    def _advance(self, at_ns: int) -> None:
        end_ns = at_ns if self._until_ns is None else min(at_ns, self._until_ns)
        spent_ns = end_ns - self._last_ns
        if spent_ns > 0:
            self.in_flight_ns[self.in_flight] = self.in_flight_ns.get(self.in_flight, 0) + spent_ns
            self._last_ns = end_ns
