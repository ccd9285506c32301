"""Talks: the sessions of one level, this worker's share of them, as the loops ask for requests.

A session holds one seat: a user of a closed loop, who takes up another when it is over, or an
arrival of an open loop, which leaves with it. Sessions are numbered over all workers, and a number
is always the same script. Users take up numbers in turn, as they become free, each worker its
share: so many sessions are the first so many scripts, each once, whoever is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, repeat

from tailrace.engine.asked import Asked, Make
from tailrace.engine.scheduler import Sending, Start
from tailrace.engine.talk import Talk
from tailrace.results.schema import Row
from tailrace.results.session_facts import SessionBooks
from tailrace.scenarios.sessions import Scripts, Sessions, pause_s

Thoughts = Callable[[int], Iterator[int]]


class Talks:
    """``share``, worker number k of n, is dealt the numbers k, k + n, ... of a closed loop; None in
    an open one, where a session's number is its seat.
    """

    def __init__(
        self,
        scripts: Scripts,
        sessions: Sessions,
        seed: int,
        share: tuple[int, int] | None,
        nonce_number: Callable[[], int],
        keep_text: bool,
    ) -> None:
        self._scripts = scripts
        self._sessions = sessions
        self._seed = seed
        self._numbers = None if share is None else count(*share)
        self._nonce_number = nonce_number
        self._keep_text = keep_text
        self._held: dict[int, Talk] = {}
        """By seat: those that have begun and are not over."""
        self.books = SessionBooks()

    def sending(self, start: Start, row: Row, make: Make) -> Sending:
        """The next request of the session in this seat, which is a new one where there is none."""
        seat = start.user if start.seat is None else start.seat
        talk = self._held.get(seat) or self._new(seat)
        talk.tag(row)
        inner = make(Asked(talk.item(), talk.nonce_of, keep_text=True))
        return Speaking(inner, start, seat, talk, self)

    def _new(self, seat: int) -> Talk:
        number = seat if self._numbers is None else next(self._numbers)
        return Talk(self._scripts.script(number), number, self._nonce_number(), self.books)

    def begin(self, seat: int, talk: Talk) -> None:
        """A session's first request is sent."""
        if seat not in self._held:
            self._held[seat] = talk
            self.books.begun += 1

    def note(self, seat: int, talk: Talk, row: Row) -> None:
        """A request of the session has its outcome."""
        talk.note(row)
        if talk.over:
            del self._held[seat]
        if not self._keep_text:
            row.text = row.reasoning = row.tool_calls = None

    def begins(self, seat: int) -> bool:
        """Whether the seat's next request begins a session."""
        return seat not in self._held

    def pause_ns(self, seat: int) -> int | None:
        """The pause before the next request of the seat's session; None when it is over."""
        talk = self._held.get(seat)
        if talk is None:
            return None
        if talk.step:
            return 0  # a tool has answered: nobody thinks
        script = talk.script
        return round(pause_s(self._sessions, self._seed, talk.number, talk.turn, script) * 1e9)

    def thoughts(self, between: Thoughts | None) -> Thoughts:
        """Think times of a closed loop's users: those of the session, and ``between`` sessions."""

        def of_user(user: int) -> Iterator[int]:
            own = repeat(0) if between is None else between(user)
            while True:
                pause_ns = self.pause_ns(user)
                yield next(own) if pause_ns is None else pause_ns

        return of_user

    def close(self) -> SessionBooks:
        """The level is over: sessions that are not are unfinished."""
        self.books.unfinished = len(self._held)
        return self.books


class Speaking:
    """A request of a session under way; see scheduler.Sending."""

    __slots__ = ("_inner", "_seat", "_talks", "start", "talk")

    def __init__(self, inner: Sending, start: Start, seat: int, talk: Talk, talks: Talks) -> None:
        """``seat``: whose session it is."""
        self._inner = inner
        self._seat = seat
        self._talks = talks
        self.start = start
        self.talk = talk

    @property
    def row(self) -> Row:
        """Of the attempt under way."""
        return self._inner.row

    async def perform(self) -> Row:
        """Until its outcome, which the session goes on from."""
        self._talks.begin(self._seat, self.talk)
        row = await self._inner.perform()
        self._talks.note(self._seat, self.talk, row)
        return row

    def cut(self) -> Row:
        """What was seen of it until now; its session stays unfinished."""
        self._talks.begin(self._seat, self.talk)
        row = self._inner.cut()
        self.talk.tag(row)
        return row


def seated(starts: Iterable[Start]) -> Iterator[Start]:
    """Arrivals of an open loop, each with a seat of its own; those of the warm-up are below 0."""
    for start in starts:
        yield start._replace(seat=start.user if start.phase == "measure" else -1 - start.user)
