"""The poller: what came is worked off in slices, and sockets are read in between."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable

import pytest

from tailrace.engine import wire_kernel
from tailrace.engine.stamps import StampBook
from tailrace.engine.wire_kernel import KernelLink, Poller
from tailrace.engine.wire_link import SLICE_NS
from tailrace.engine.wire_reads import Pending, load

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(sys.platform != "linux", reason="kernel links are Linux's alone"),
]


class Slow:
    """A reader that takes longer than a slice each time, and does something at the end of it."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.pending: Pending = []
        self.heeded: list[list[bytes]] = []
        """What waited, each time; it waits no more."""
        self.losses: list[Exception | None] = []
        self.then: Callable[[], None] = lambda: None

    def heed(self) -> None:
        time.sleep(1.5 * SLICE_NS / 1e9)
        self.heeded.append([data for _, data, _ in self.pending])
        self.pending.clear()
        then, self.then = self.then, lambda: None
        then()

    def consume(self, at_ns: int, data: bytes, plain_start: int = 0) -> None:
        raise AssertionError("a kernel link lays its reads by")

    def lost(self, at_ns: int, exc: Exception | None) -> None:
        self.losses.append(exc)


Street = tuple[list[Slow], list[KernelLink]]


@contextlib.asynccontextmanager
async def street(links: int) -> AsyncIterator[Street]:
    """Readers with a link and a server each, as each has sent one byte."""
    loop = asyncio.get_running_loop()
    poller = Poller(loop, StampBook(), load()[0])
    readers: list[Slow] = []
    made: list[KernelLink] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(links):
            ours = socket.create_connection(listener.getsockname())
            ours.setblocking(False)
            readers.append(Slow(listener.accept()[0]))
            made.append(KernelLink(loop, poller, ours, readers[-1]))
    for reader in readers:
        reader.server.sendall(b"a")
    try:
        yield readers, made
    finally:
        for link in made:
            link.close()
        await asyncio.sleep(0)
        poller.close()
        for reader in readers:
            reader.server.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def test_bytes_that_come_apart_while_others_are_worked_off_are_read_apart() -> None:
    async with street(4) as (readers, _):
        last = readers[-1]
        for reader, data in zip(readers, (b"b", b"c", b"d"), strict=False):
            reader.then = lambda data=data: last.server.sendall(data)
        await until(lambda: bool(last.heeded))
        assert last.heeded == [[b"a", b"b", b"c", b"d"]]


async def test_the_loop_gets_its_turn_between_slices() -> None:
    async with street(8) as (readers, _):
        turns = 0
        async with asyncio.timeout(5):
            while not all(reader.heeded for reader in readers):
                turns += 1
                await asyncio.sleep(0)
        assert turns >= 8


async def test_what_had_come_on_a_link_that_was_closed_meanwhile_is_nobodys() -> None:
    async with street(3) as (readers, links):
        readers[0].then = links[2].close
        await until(lambda: bool(readers[1].heeded and readers[2].losses))
        assert readers[2].heeded == []
        assert readers[2].losses == [None]
        assert [len(reader.heeded) for reader in readers] == [1, 1, 0]


async def test_its_number_may_be_anothers_by_then() -> None:
    async with street(2) as (readers, links):
        others: list[Slow] = []
        stack = contextlib.AsyncExitStack()

        def put_another_in_its_place() -> None:
            number = links[1]._fd
            near, theirs = socket.socketpair()
            links[1].close()
            with near:
                ours = socket.socket(fileno=fcntl.fcntl(near, fcntl.F_DUPFD_CLOEXEC, number))
            ours.setblocking(False)
            assert ours.fileno() == number
            others.append(Slow(theirs))
            link = KernelLink(links[0]._loop, links[0]._poller, ours, others[0])
            stack.callback(theirs.close)
            stack.callback(link.close)

        readers[0].then = put_another_in_its_place
        await until(lambda: bool(readers[1].losses))
        await asyncio.sleep(0.01)
        assert others[0].heeded == []
        await stack.aclose()


async def test_where_much_waits_the_sockets_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire_kernel, "_MOST_BYTES", 1)
    async with street(3) as (readers, _):
        first, _, last = readers
        first.then = lambda: last.server.sendall(b"b")
        await until(lambda: len(last.heeded) == 2)
        assert last.heeded == [[b"a"], [b"b"]]


async def test_an_end_that_waits_for_its_slice_is_told_after_the_bytes_before_it() -> None:
    async with street(2) as (readers, _):
        last = readers[1]
        last.server.sendall(b"b")
        last.server.close()
        await until(lambda: bool(last.losses))
        assert b"".join(b"".join(waited) for waited in last.heeded) == b"ab"
        assert last.losses == [None]
