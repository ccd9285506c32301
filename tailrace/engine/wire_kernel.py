"""KernelLink: a connection whose socket we read ourselves, each read with the kernel's own stamp.

Rule: one ``recvmsg`` a wake-up, parsed at once: the stamp is the kernel's, so nothing is gained by
looking at the other sockets first. The buffer is small, so that a backlog is taken in several reads
with a stamp each rather than in one with the stamp of its last segment.
"""

from __future__ import annotations

import asyncio
import socket

from tailrace.engine.clock import now_ns
from tailrace.engine.stamps import ANCILLARY_BYTES, StampBook
from tailrace.engine.wire_link import Reader, peek_open

READ_BYTES = 4096


class KernelLink:
    """A link on a connected non-blocking TCP socket; owns the socket."""

    __slots__ = ("_fd", "_loop", "_reader", "_recvmsg", "_rest", "_socket", "_stamp")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, reader: Reader, book: StampBook
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._fd = sock.fileno()
        self._reader = reader
        self._recvmsg = sock.recvmsg
        self._stamp = book.stamp
        self._rest = b""
        """Bytes that the kernel did not take yet."""
        loop.add_reader(self._fd, self._readable)

    @property
    def usable(self) -> bool:
        """See Link.usable."""
        return self._fd >= 0

    def still_open(self) -> bool:
        """See Link.still_open."""
        return self._fd >= 0 and peek_open(self._socket)

    def write(self, data: bytes) -> None:
        """See Link.write."""
        if self._rest:
            self._rest += data
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # broken: the next read tells how
        if sent < len(data):
            self._rest = data[sent:]
            self._loop.add_writer(self._fd, self._writable)

    def close(self) -> None:
        """See Link.close."""
        if self._fd >= 0:
            self._loop.call_soon(self._end, None)
            self._drop()

    def _readable(self) -> None:
        try:
            data, ancillary, _, _ = self._recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._drop()
            self._end(exc)
            return
        if data:
            self._reader.consume(self._stamp(ancillary), data)
            return
        self._drop()
        self._end(None)

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._rest)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            sent = len(self._rest)  # broken: the next read tells how
        self._rest = self._rest[sent:]
        if not self._rest:
            self._loop.remove_writer(self._fd)

    def _end(self, exc: Exception | None) -> None:
        self._reader.lost(now_ns(), exc)

    def _drop(self) -> None:
        """Take the socket off the loop, then close it: another may get its number at once."""
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._socket.close()
        self._fd = -1
