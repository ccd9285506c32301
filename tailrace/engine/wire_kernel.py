"""KernelLink: a connection whose socket we read ourselves, each read with the kernel's own stamp.

Rule: one ``recvmsg`` a wake-up, handed on at once: the stamp is the kernel's, so nothing is gained
by looking at the other sockets first. The buffer takes a whole backlog: the kernel merges segments
that wait and keeps the stamp of the last, so smaller reads would not resolve them, but would cut
outputs away from the read that marks them as uncertain.

All links of a loop share an epoll of their own, which the loop watches (``Poller``). One look at it
tells all sockets that are ready. And uvloop's ``add_reader`` gives up on a socket for good when the
kernel reports an error on it, so that a connection that was reset would look like a silent one.

The epoll is edge-triggered: it tells of a socket once, when something new has come. Triggered by
level it would look at each socket again after it was read, and so would the loop's own epoll.
A socket that may hold more than was read (a full buffer, an end behind the data) is asked for anew.
"""

from __future__ import annotations

import asyncio
import select
import socket
import sys

from tailrace.engine.clock import now_ns
from tailrace.engine.stamps import ANCILLARY_BYTES, StampBook
from tailrace.engine.wire_link import NOBODY, Reader, has_unread, is_open

READ_BYTES = 65536
_READABLE = 1
_WRITABLE = 4
"""EPOLLIN and EPOLLOUT; looking them up in their module would be done twice a read."""
_NEWS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET if sys.platform == "linux" else 0
_AT_ONCE = 256
"""Sockets read before the loop gets a turn."""


class Poller:
    """Which of the links of one loop are ready; Linux only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._links: dict[int, KernelLink] = {}
        loop.add_reader(self._epoll.fileno(), self._run)

    def add(self, fd: int, link: KernelLink) -> None:
        """Tell this link when its socket can be read."""
        self._links[fd] = link
        self._epoll.register(fd, _NEWS)

    def watch(self, fd: int, writing: bool) -> None:
        """Tell it anew what is there now; also when it can be written, or no more."""
        self._epoll.modify(fd, _NEWS | (select.EPOLLOUT if writing else 0))

    def remove(self, fd: int) -> None:
        """Forget a socket; to be called before it is closed."""
        del self._links[fd]
        self._epoll.unregister(fd)

    def close(self) -> None:
        """Watch nothing any more."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _run(self) -> None:
        links = self._links
        for fd, events in self._epoll.poll(0, _AT_ONCE):
            link = links.get(fd)  # one that was read before it may have closed this one
            if link is None:
                continue
            if events == _READABLE:
                link.read()
                continue
            if events != _WRITABLE:
                link.read(more=True)
            if events & _WRITABLE:
                link.write_rest()


class KernelLink:
    """A link on a connected non-blocking TCP socket; owns the socket."""

    __slots__ = (*("_book", "_fd", "_loop", "_poller", "_reader", "_rest", "_socket"),)

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        sock: socket.socket,
        reader: Reader,
        book: StampBook,
    ) -> None:
        self._loop = loop
        self._poller = poller
        self._socket = sock
        self._fd = sock.fileno()
        self._reader = reader
        self._book = book
        self._rest = b""
        """Bytes that the kernel did not take yet."""
        poller.add(self._fd, self)

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

    def read(self, more: bool = False) -> None:
        """Poller: there is something to read, be it an end or an error; perhaps even more."""
        try:
            data, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, MemoryError) as exc:
            self._end(exc)
            return
        if data:
            if more or len(data) == READ_BYTES:
                self._poller.watch(self._fd, bool(self._rest))
            self._reader.consume(self._book.stamp(ancillary), data)
        else:
            self._end(None)

    def write_rest(self) -> None:
        """Poller: the kernel takes more."""
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
