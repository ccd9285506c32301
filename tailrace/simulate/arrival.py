"""Reads of one socket with the time at which the kernel got the bytes.

Rule: on Linux a connection's bytes are read here by ``recvmsg``, which hands over the kernel's
receive stamp (``SO_TIMESTAMPNS``); elsewhere, and where it fails, the event loop reads them and a
read arrives when it is seen.
Why: an endpoint that is busy writing sees a request late. Were its truth to begin when it looks,
its own lateness would be taken for the client's error.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import time
from collections.abc import Callable

SO_TIMESTAMPNS = 35
"""Linux's number, on x86 and ARM; Python's socket module does not name it."""
_READ_BYTES = 65536
_TIMESPEC = struct.Struct("@ll")
_SANE_NS = 10_000_000_000
"""A stamp further back than this is a stepped wall clock and no delay."""

Read = Callable[[bytes, int], None]
"""Takes the bytes and the time they came in perf_counter_ns; no bytes mean the end."""


def begin_to_stamp(handle: socket.socket) -> None:
    """Where it can be; what comes in the first moment after a machine's first asking has no stamp,
    so a listener is asked already.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            handle.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


class ArrivalReader:
    """Reads a duplicate of the transport's descriptor, so that the transport can still write."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, read: Read):
        self._loop = loop
        self._transport = transport
        self._read = read
        handle = transport.get_extra_info("socket")
        begin_to_stamp(handle)
        self._socket = socket.socket(fileno=os.dup(handle.fileno()))
        self._socket.setblocking(False)

    def waiting_since_ns(self) -> int:
        """When what is here and was not read yet had come; 0 where there is nothing."""
        try:
            data, extra, _, _ = self._socket.recvmsg(_READ_BYTES, 64, socket.MSG_PEEK)
        except OSError:
            return 0
        return arrived_ns(extra) if data else 0

    def start(self) -> None:
        """Read from now on, in the loop's place; raises where it cannot be."""
        self._transport.pause_reading()
        self._loop.add_reader(self._socket.fileno(), self._ready)

    def _ready(self) -> None:
        try:
            data, extra, _, _ = self._socket.recvmsg(_READ_BYTES, 64)
        except BlockingIOError:
            return
        except OSError:
            data, extra = b"", []
        if not data:
            self.close()
        self._read(data, arrived_ns(extra))

    def close(self) -> None:
        """Read no more; the connection ends only when its other descriptor closes too."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()


def arrived_ns(extra: list[tuple[int, int, bytes]]) -> int:
    """The kernel's stamp among the ancillary data, on the clock of perf_counter_ns.

    The stamp is wall time. Its age is taken on that clock and subtracted from the other, so the
    two may drift apart as they like.
    """
    now = time.perf_counter_ns()
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, rest = _TIMESPEC.unpack_from(data)
            age = time.time_ns() - (seconds * 1_000_000_000 + rest)
            return now - age if 0 <= age < _SANE_NS else now
    return now


def reader_of(
    loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, read: Read
) -> ArrivalReader | None:
    """Reads this connection once it is started; None where the event loop has to."""
    if sys.platform != "linux" or transport.get_extra_info("socket") is None:
        return None
    try:
        return ArrivalReader(loop, transport, read)
    except OSError:
        return None
