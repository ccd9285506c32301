"""A fault's raw pieces in place of an answer, played at the pace of the script.

Rule: the pieces begin when the first token would have come, and a chunk of content waits its gap as
ever. No more is written than the client takes, so that a stream without end costs no memory here.
Why: what a fault sends is data (faults.py); nothing of it needs code of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, islice

from tailrace.simulate import chunks, shapes
from tailrace.simulate.answers import Answer
from tailrace.simulate.faults import Often, Word

HELD_BYTES = 262_144
"""What may wait for a slow client before the next piece is made."""
_LOOK_AGAIN_NS = 1_000_000

Timed = tuple[bytes, int]
"""Bytes, and the wait after them in ns."""


class Played(Answer):
    """The pieces of one fault."""

    __slots__ = ("_frames", "_pieces")

    def open(self) -> None:
        """Set the first step."""
        job = self.job
        assert job.fault is not None
        self._frames = shapes.frames_of(job.ask, self.record.number, job.created)
        pieces = self._all_of(job.fault.play)
        self._pieces = _bytewise(pieces) if job.fault.bytewise else pieces
        self._pace.add(self.start + job.plan.due_ns[0], self.step)

    def step(self) -> int:
        """Write a piece, and say when the next is due."""
        if self.connection.gone:
            return 0
        if self.connection.held_bytes > HELD_BYTES:
            return time.perf_counter_ns() + _LOOK_AGAIN_NS
        data, wait_ns = next(self._pieces, (None, 0))
        if data is None:
            self.record.done_ns = time.perf_counter_ns()
            self.conclude()
            return 0
        stamp = self.send(data) if data else time.perf_counter_ns()
        if not self.record.headers_ns:
            self.record.headers_ns = stamp
        return time.perf_counter_ns() + wait_ns

    def _all_of(self, play: tuple[bytes | Word | Often, ...]) -> Iterator[Timed]:
        for piece in play:
            often = piece if isinstance(piece, Often) else Often(piece, 1)
            for _ in range(often.times) if often.times is not None else count():
                yield from self._of(often.piece)

    def _of(self, piece: bytes | Word) -> Iterator[Timed]:
        if isinstance(piece, bytes):
            yield piece, 0
        elif piece == "head":
            name = self.record.id.encode("latin-1")
            yield chunks.stream_head(name, self.says_close(), self._frames.kind), 0
        elif piece == "ending":
            yield self._ending(), 0
        else:
            yield from self._content(self.job.fault_after if piece == "some" else None)

    def _content(self, limit: int | None) -> Iterator[Timed]:
        due_ns = self.job.plan.due_ns
        for index, size in islice(enumerate(self.job.plan.tokens), limit):
            last = index + 1 == len(due_ns)
            data = self._frames.content(self.record.tokens, size)
            self.record.tokens += size
            yield data, 0 if last else due_ns[index + 1] - due_ns[index]

    def _ending(self) -> bytes:
        asked, reason = self.job.ask, self.job.plan.finish_reason
        return self._frames.ending(reason, asked.prompt_tokens, self.record.tokens) + chunks.END


def _bytewise(pieces: Iterator[Timed]) -> Iterator[Timed]:
    for data, wait_ns in pieces:
        for place in range(len(data)):
            yield data[place : place + 1], wait_ns if place == len(data) - 1 else 0
