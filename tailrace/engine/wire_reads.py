"""wire_reads: read every socket of which an epoll has news, once, with the kernel's stamp.

Rule: the stamps are the kernel's, so nothing is lost by reading all that is ready before any of it
is looked at. A read is laid with those that wait on its connection to be parsed, and is *news*
unless others wait there already and nothing of a chunked body can end in it (``wire_connection``).

``take`` exists twice: below, and in ``wire_reads.c``, which is built where there is a C compiler
and does the same for less CPU (docs/decisions/017). Tests hold the two together.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Protocol

from tailrace.engine.stamps import ANCILLARY_BYTES, Ancillary, StampBook

READ_BYTES = 65536
AT_ONCE = 256
"""Sockets read before the loop gets a turn."""
READABLE, WRITABLE = 1, 4
"""EPOLLIN and EPOLLOUT; looking them up in their module would be done twice a read."""

_EMPTY_LINE = b"\r\n\r\n"
_CR = 13

Pending = list[tuple[int, bytes, int]]
"""Reads that are not parsed yet: stamp, bytes, *plain start*. That is where the data begins in a
read that is one whole chunk with one event of one data line in it, ``2a CRLF data: ... LF LF
CRLF``, and 0 in any other. Only C looks for it; here it would cost more than it spares.
"""
News = tuple[int, int, int | None, int]
"""Socket's number; how many bytes were laid by; the number of an error, 0 for the end; epoll's
events. Neither bytes nor an error where the events tell of something else."""


def may_end(data: bytes) -> bool:
    """Whether a chunked body may end in this read: an empty line is in it, or may end with it."""
    # (find: ``in`` costs twice as much, since bytes first try what they hold as a number)
    return data[0] <= _CR or data.find(_EMPTY_LINE) >= 0


def may_wait(waiting: int, data: bytes, patience: int) -> bool:
    """Whether a read may be laid with so many that wait, and nobody be told of it."""
    return 0 < waiting < patience and len(data) < READ_BYTES and not may_end(data)


class Epoll(Protocol):
    """What is used of ``select.epoll``."""

    def poll(self, timeout: float, maxevents: int, /) -> list[tuple[int, int]]:
        """(file descriptor, events) of those that are ready."""
        ...

    def fileno(self) -> int:
        """Its own descriptor."""
        ...


class Readable(Protocol):
    """What is used of a link."""

    @property
    def recvmsg(self) -> Callable[[int, int], tuple[bytes, Ancillary, int, object]]:
        """Its socket's."""
        ...


def take(
    epoll: Epoll,
    pendings: dict[int, Pending],
    links: Mapping[int, Readable],
    book: StampBook,
    patience: int,
) -> list[News]:
    """Read each socket that is ready; where reads wait, up to ``patience`` of them may."""
    news: list[News] = []
    for fd, events in epoll.poll(0, AT_ONCE):
        pending = pendings.get(fd)
        if pending is None:
            continue  # closed since
        if events == WRITABLE:
            news.append((fd, 0, None, events))
            continue
        try:
            data, ancillary, _, _ = links[fd].recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            if events & WRITABLE:
                news.append((fd, 0, None, events))
            continue
        except (OSError, MemoryError) as exc:
            news.append((fd, 0, getattr(exc, "errno", None) or errno.ENOMEM, events))
            continue
        if not data:
            news.append((fd, 0, 0, events))
            continue
        waits = events == READABLE and may_wait(len(pending), data, patience)
        pending.append((book.stamp(ancillary), data, 0))
        if not waits:
            news.append((fd, len(data), None, events))
    return news


Take = Callable[[Epoll, dict[int, Pending], Mapping[int, Readable], StampBook, int], list[News]]


def load() -> tuple[Take, str]:
    """The ``take`` in C where it was built, else the one above; and what it is written in."""
    try:
        from tailrace.engine import _wire_reads
    except ImportError:
        return take, "Python"
    return _wire_reads.take, "C"
