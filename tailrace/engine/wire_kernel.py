"""KernelLink: a connection whose socket we read ourselves, each read with the kernel's own stamp.

Rule: one ``recvmsg`` a wake-up (``wire_reads``). Its buffer takes a whole backlog: the kernel
merges segments that wait and keeps the stamp of the last, so smaller reads would not resolve them,
but would cut outputs away from the read that marks them as uncertain.

All links of a loop share an epoll of their own, which the loop watches (``Poller``). One look at it
tells all sockets that are ready. And uvloop's ``add_reader`` gives up on a socket for good when the
kernel reports an error on it, so that a connection that was reset would look like a silent one.

The epoll is edge-triggered: it tells of a socket once, when something new has come. Triggered by
level it would look at each socket again after it was read, and so would the loop's own epoll.
A socket that may hold more than was read (a full buffer, an end behind the data) is asked for anew.

What came is worked off a slice of time at a time, and in between the loop runs what it has led to
and the sockets are read again. When a thousand streams end at once, their next requests take longer
than the gap between two tokens; read after all that, tokens that came apart would be one read.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import sys
from collections import deque

from tailrace.engine.clock import now_ns
from tailrace.engine.exchange import PATIENCE
from tailrace.engine.stamps import StampBook
from tailrace.engine.wire_link import NOBODY, SLICE_NS, Reader, has_unread, is_open
from tailrace.engine.wire_reads import READ_BYTES, READABLE, WRITABLE, Pending, Take

_MOST_BYTES = 2**23
"""Bytes that may wait for their slice before the sockets are left to the kernel's buffers."""
_NEWS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET if sys.platform == "linux" else 0


class Poller:
    """Which of the links of one loop are ready, and what came on them; Linux only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, book: StampBook, take: Take) -> None:
        self._loop = loop
        self._book = book
        self._epoll = select.epoll()
        self._links: dict[int, KernelLink] = {}
        self._pendings: dict[int, Pending] = {}
        self._take = take
        self._news: deque[tuple[KernelLink, int, int | None, int]] = deque()
        """What came and was not worked off yet."""
        self._bytes = 0
        self._scheduled = False
        loop.add_reader(self._epoll.fileno(), self._run)

    def add(self, sock: socket.socket, link: KernelLink, reader: Reader) -> None:
        """Read this socket for this link from now on."""
        fd = sock.fileno()
        self._links[fd], self._pendings[fd] = link, reader.pending
        self._epoll.register(fd, _NEWS)

    def watch(self, fd: int, writing: bool) -> None:
        """Tell it anew what is there now; also when it can be written, or no more."""
        self._epoll.modify(fd, _NEWS | (select.EPOLLOUT if writing else 0))

    def remove(self, fd: int) -> None:
        """Forget a socket; to be called before it is closed."""
        del self._links[fd], self._pendings[fd]
        self._epoll.unregister(fd)

    def close(self) -> None:
        """Watch nothing any more."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _run(self) -> None:
        if not self._scheduled:
            self._look()

    def _look(self) -> None:
        """Read what is ready, then work off one slice."""
        self._scheduled = False
        if self._bytes < _MOST_BYTES:
            for fd, size, error, events in self._take(
                self._epoll, self._pendings, self._links, self._book, PATIENCE
            ):
                self._bytes += size
                self._news.append((self._links[fd], size, error, events))
            self._book.settle()
        if self._work_off():
            self._scheduled = True
            self._loop.call_soon(self._look)

    def _work_off(self) -> bool:
        """True if the slice was too short."""
        news = self._news
        until_ns = now_ns() + SLICE_NS
        while news:
            link, size, error, events = news.popleft()
            self._bytes -= size
            link.note(size, error, events)
            if now_ns() > until_ns:
                break
        return bool(news)


class KernelLink:
    """A link on a connected non-blocking TCP socket; owns the socket."""

    __slots__ = ("_fd", "_loop", "_poller", "_reader", "_rest", "_socket", "recvmsg")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        sock: socket.socket,
        reader: Reader,
    ) -> None:
        self._loop = loop
        self._poller = poller
        self._socket = sock
        self.recvmsg = sock.recvmsg
        self._fd = sock.fileno()
        self._reader = reader
        self._rest = b""
        """Bytes that the kernel did not take yet."""
        poller.add(sock, self, reader)

    @property
    def usable(self) -> bool:
        """See Link.usable."""
        return self._fd >= 0

    def still_open(self) -> bool:
        """See Link.still_open."""
        return self._fd >= 0 and is_open(self._socket)

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
            self._poller.watch(self._fd, True)

    @property
    def unread(self) -> bool:
        """See Link.unread."""
        return self._fd >= 0 and has_unread(self._socket)

    @property
    def all_sent(self) -> bool:
        """See Link.all_sent."""
        return not self._rest

    def close(self) -> None:
        """See Link.close."""
        if self._fd >= 0:
            self._loop.call_soon(self._drop().lost, now_ns(), None)

    def note(self, size: int, error: int | None, events: int) -> None:
        """Poller: bytes came, an end or an error; or it can be written again (``wire_reads``)."""
        if self._fd < 0:
            return  # closed by what was noted before
        if size:
            if events != READABLE or size == READ_BYTES:
                self._poller.watch(self._fd, bool(self._rest))
            self._reader.heed()
        elif error is not None:
            self._end(_error(error))
        if events & WRITABLE:
            self._write_rest()

    def _write_rest(self) -> None:
        """The kernel takes more."""
        if not self._rest or self._fd < 0:
            return
        try:
            sent = self._socket.send(self._rest)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            sent = len(self._rest)  # broken: the next read tells how
        self._rest = self._rest[sent:]
        if not self._rest:
            self._poller.watch(self._fd, False)

    def _end(self, exc: Exception | None) -> None:
        self._drop().lost(now_ns(), exc)

    def _drop(self) -> Reader:
        """Take the socket off the poller, then close it: another may get its number at once.

        Lets go of its reader, which holds the link, and returns it.
        """
        self._poller.remove(self._fd)
        self._socket.close()
        self._fd = -1
        reader, self._reader = self._reader, NOBODY
        return reader


def _error(number: int) -> Exception | None:
    """What ended a connection by its number, 0 being an end without an error."""
    if number == errno.ENOMEM:
        return MemoryError()
    return OSError(number, os.strerror(number)) if number else None
