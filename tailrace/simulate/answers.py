"""One request's answer, paced: streamed, or whole.

Rule: an answer is a chain of steps on the pace's heap; each step writes one chunk and says when
the next is due. It ends once, and gives back its slot and its connection when it does.
Why: a callback for each chunk is the cheapest thing that can wake, and one way out keeps the
counts of slots and of requests in flight true.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tailrace.simulate import chunks, shapes
from tailrace.simulate.ask import SERVER_ERROR, Ask
from tailrace.simulate.connection import Connection
from tailrace.simulate.faults import Fault
from tailrace.simulate.pace import Pace
from tailrace.simulate.script import Plan
from tailrace.simulate.truth import Record

IDLE_NS = 1_000_000

End = Literal["done", "fault", "left"]


@dataclass(frozen=True, slots=True)
class Job:
    """All an answer needs to know."""

    connection: Connection
    record: Record
    ask: Ask
    plan: Plan
    fault: Fault | None
    fault_after: int
    role_early: bool
    keep_alive: bool
    created: int


class Answer:
    """What both kinds share: the start, the one end, and the client that leaves."""

    __slots__ = ("_ended", "_pace", "connection", "job", "record", "start")

    def __init__(self, job: Job, pace: Pace, ended: Callable[[Answer, End], None]) -> None:
        self.job = job
        self.connection = job.connection
        self.record = job.record
        self._pace = pace
        self._ended = ended
        self.start = 0

    def begin(self, at_ns: int) -> None:
        """The answer has had a slot since `at_ns`: its delays run from there."""
        self.start = self.record.started_ns = at_ns
        self.record.status = 200
        self.open()

    @property
    def sent_tokens(self) -> int:
        """Tokens written so far."""
        return self.record.tokens

    def open(self) -> None:
        """Set the first step."""
        raise NotImplementedError

    def send(self, data: bytes) -> int:
        """Write, and count the bytes."""
        self.record.bytes += len(data)
        return self.connection.send(data)

    def written(self) -> int:
        """Content chunks that the fault, if any, lets through."""
        fault, size = self.job.fault, len(self.job.plan.tokens)
        if fault is None or fault.content == "all":
            return size
        return 0 if fault.content == "none" else min(self.job.fault_after, size)

    def conclude(self) -> None:
        """All is written: end the request, and do to the connection what is to be done."""
        fault = self.job.fault
        then = "keep" if fault is None else fault.then
        if then == "hang" or self.connection.gone:
            return
        self._ended(self, "done" if fault is None else "fault")
        if then == "reset":
            self.connection.reset()
        elif then == "half_close":
            self.connection.half_close()
        elif then == "close_idle":
            self._pace.add(time.perf_counter_ns() + IDLE_NS, self._close)
            self.connection.answered()
        else:
            self.connection.answered(keep=then == "keep" and self.job.keep_alive)

    def says_close(self) -> bool:
        """Whether the headers announce the end of the connection."""
        fault = self.job.fault
        return not self.job.keep_alive or (fault is not None and fault.says_close)

    def left(self) -> None:
        """The client is gone."""
        self._ended(self, "left")

    def _close(self) -> int:
        # A request that has come meanwhile is answered: closing on it would be another fault.
        if not self.connection.busy and not self.connection.unread:
            self.connection.close()
        return 0


class Streamed(Answer):
    """An answer in events, each in a chunk of its own."""

    __slots__ = ("_due", "_first", "_frames", "_index", "_limit", "_opening", "_sizes")

    def open(self) -> None:
        """Write the headers, and set the first chunk."""
        job = self.job
        self._frames = shapes.frames_of(job.ask, self.record.number, job.created)
        self._due = job.plan.due_ns
        self._sizes = job.plan.tokens
        self._index = self._first = 0
        self._limit = self.written()
        name = self.record.id.encode("latin-1")
        head = chunks.stream_head(name, self.says_close(), self._frames.kind)
        self._opening = b"" if job.role_early else self._frames.role()
        if job.role_early:
            head += self._frames.role()
        self.record.headers_ns = self.send(head)
        self._pace.add(self.start + self._due[0], self.step)

    @property
    def sent_tokens(self) -> int:
        """See Answer.sent_tokens."""
        return self._first

    def step(self) -> int:
        """Write the chunk that is due, and say when the next is."""
        if self.connection.gone:
            return 0
        index = self._index
        if index < self._limit:
            size = self._sizes[index]
            data = self._frames.content(self._first, size)
            if self._opening:
                data = self._opening + data
                self._opening = b""
            self.record.bytes += len(data)
            self.record.writes_ns.append(self.connection.send(data))
            self._first += size
            self._index = index = index + 1
            if index < len(self._due):
                return self.start + self._due[index]
        self._finish()
        return 0

    def _finish(self) -> None:
        record, job = self.record, self.job
        record.tokens = self._first
        tail = self._opening + self._tail()
        if tail and not self.connection.gone:
            stamp = self.send(tail)
            if job.fault is None or job.fault.tail == "whole":
                record.finish_ns = stamp
            record.done_ns = stamp
        self.conclude()

    def _tail(self) -> bytes:
        frames, job = self._frames, self.job
        kind = "whole" if job.fault is None else job.fault.tail
        if kind == "nothing":
            return b""
        if kind == "quiet":
            return chunks.END
        if kind == "error":
            return frames.error(SERVER_ERROR) + chunks.END
        if kind == "garbage":
            return frames.garbage() + chunks.END
        reason = "stop" if self._first == 0 else job.plan.finish_reason
        return frames.ending(reason, job.ask.prompt_tokens, self._first) + chunks.END


class Whole(Answer):
    """An answer in one JSON body, due when the last chunk would have been."""

    __slots__ = ()

    def open(self) -> None:
        """Set the one step."""
        self._pace.add(self.start + self.job.plan.due_ns[-1], self.step)

    def step(self) -> int:
        """Write it all; a fault that breaks a stream off breaks this off half way."""
        if self.connection.gone:
            return 0
        job, record, fault = self.job, self.record, self.job.fault
        if fault is not None and fault.tail == "error":
            record.status = SERVER_ERROR.status
            data = chunks.json_message(SERVER_ERROR.status, SERVER_ERROR.body())
        else:
            record.tokens = 0 if self.written() == 0 else job.plan.total
            data = chunks.json_message(200, self._body(), says_close=self.says_close())
        if fault is not None and fault.tail == "nothing":
            data = data[: len(data) // 2]
        record.headers_ns = self.send(data)
        record.writes_ns.append(record.headers_ns)
        record.finish_ns = record.done_ns = record.headers_ns
        self.conclude()
        return 0

    def _body(self) -> bytes:
        job, tokens = self.job, self.record.tokens
        if job.fault is not None and job.fault.tail == "garbage":
            return b'{"id":"chatcmpl-sim","choi'
        reason = job.plan.finish_reason if tokens else "stop"
        if job.ask.shape != "chat":
            return shapes.whole_of(job.ask, self.record.number, job.created, reason, tokens)
        return chunks.completion(
            number=self.record.number,
            created=job.created,
            model=job.ask.model,
            text=chunks.text(tokens),
            reason=reason,
            spent=chunks.usage(job.ask.prompt_tokens, tokens),
        )
