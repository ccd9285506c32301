"""What the server truly did, request by request.

Rule: a write's stamp is perf_counter_ns taken just before the bytes go to the kernel; a request
arrived when the kernel had it, which may be well before the endpoint looked. Records are bounded
in number and in stamps; the oldest go first, and what went is counted.
Why: a measurement is checked against this, so it holds facts and derives nothing.
"""

from __future__ import annotations

from array import array
from collections import deque
from typing import Any

STAMPS_PER_RECORD = 128


class Record:
    """One completion request. A time of 0 did not happen.

    `end` is "" while open, then "done", "refused", "fault", or "left" (the client went away).
    """

    __slots__ = (
        *("bytes", "connection", "done_ns", "end", "fault", "finish_ns", "headers_ns", "id"),
        *(
            "in_flight",
            "kept",
            "number",
            "arrived_ns",
            "received_ns",
            "started_ns",
            "status",
            "tokens",
            "writes_ns",
        ),
    )

    def __init__(
        self, number: int, name: str, connection: int, arrived_ns: int, received_ns: int
    ) -> None:
        self.number = number
        self.id = name
        self.connection = connection
        self.arrived_ns = arrived_ns
        self.received_ns = received_ns
        self.started_ns = 0
        self.headers_ns = 0
        self.writes_ns = array("q")
        self.finish_ns = 0
        self.done_ns = 0
        self.status = 0
        self.tokens = 0
        self.bytes = 0
        self.in_flight = 0
        self.fault: str | None = None
        self.end = ""
        self.kept = True

    def values(self) -> dict[str, Any]:
        """The record as plain values."""
        found = {name: getattr(self, name) for name in _NAMES}
        found["writes_ns"] = self.writes_ns.tolist()
        return found


_NAMES = (
    *("number", "id", "connection", "arrived_ns", "received_ns", "started_ns"),
    *("headers_ns", "writes_ns"),
    *("finish_ns", "done_ns", "status", "end", "fault", "tokens", "bytes", "in_flight"),
)


class Truth:
    """The records and the counts."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stamp_limit = limit * STAMPS_PER_RECORD
        self._flying = 0
        self._records: deque[Record] = deque()
        self.accepted = 0
        self.epoch = 0
        self.reset()

    def reset(self) -> None:
        """Begin anew; requests still open count on in `in_flight` but leave no record."""
        for record in self._records:
            record.kept = False
        self._records.clear()
        self._stamps = 0
        self.epoch += 1
        self.dropped = 0
        self.requests = 0
        self.connections = 0
        self.max_in_flight = self._flying

    @property
    def in_flight(self) -> int:
        """Requests received and not yet answered."""
        return self._flying

    def received(
        self, name: str | None, connection: int, first: bool, arrived_ns: int, now: int
    ) -> Record:
        """A request was read in full; `first` if its connection carried none before."""
        self.requests += 1
        self.connections += first
        self._flying += 1
        self.max_in_flight = max(self.max_in_flight, self._flying)
        record = Record(self.requests, name or str(self.requests), connection, arrived_ns, now)
        record.in_flight = self._flying
        self._records.append(record)
        if len(self._records) > self._limit:
            self._drop()
        return record

    def closed(self, record: Record, end: str) -> None:
        """The request is answered, or its client is gone."""
        record.end = end
        self._flying -= 1
        if not record.kept:
            return
        self._stamps += len(record.writes_ns)
        while self._stamps > self._stamp_limit and self._records:
            self._drop()

    def _drop(self) -> None:
        gone = self._records.popleft()
        gone.kept = False
        self._stamps -= len(gone.writes_ns) if gone.end else 0
        self.dropped += 1

    def values(self, *, records: bool = True) -> dict[str, Any]:
        """Everything as plain values; `records` False leaves the records out."""
        return {
            "clock": "perf_counter_ns",
            "request_count": self.requests,
            "in_flight": self._flying,
            "max_in_flight": self.max_in_flight,
            "connections": self.connections,
            "connections_accepted": self.accepted,
            "dropped": self.dropped,
            "requests": [record.values() for record in self._records] if records else [],
        }
