"""Whose time a read has: the kernel's, however late the endpoint looks."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time

import pytest

from tailrace.simulate import Script
from tailrace.simulate.arrival import SO_TIMESTAMPNS, arrived_ns, reader_of
from tailrace.simulate.launch import LOOPS, loop_factory
from tailrace.simulate.pace import Pace
from tailrace.simulate.server import Server

linux = pytest.mark.skipif(sys.platform != "linux", reason="kernel stamps are Linux's")
LATE_S = 0.05
BODY = b'{"model":"sim","messages":[{"role":"user","content":"hi"}],"stream":true}'
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


def stamp(wall_ns: int) -> list[tuple[int, int, bytes]]:
    return [(socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("@ll", *divmod(wall_ns, 10**9)))]


def test_a_stamp_becomes_a_time_on_the_other_clock() -> None:
    before = time.perf_counter_ns()
    found = arrived_ns(stamp(time.time_ns() - 40_000_000))
    assert before - 41_000_000 < found <= time.perf_counter_ns() - 39_000_000


@pytest.mark.parametrize(
    "extra",
    [
        [],
        [(socket.SOL_SOCKET, SO_TIMESTAMPNS, b"short")],
        [(socket.SOL_SOCKET, 1, bytes(16))],
        stamp(0),  # the wall clock was stepped
        stamp(time.time_ns() + 3_600_000_000_000),
    ],
)
def test_without_a_sane_stamp_a_read_arrives_when_it_is_seen(
    extra: list[tuple[int, int, bytes]],
) -> None:
    before = time.perf_counter_ns()
    assert before <= arrived_ns(extra) <= time.perf_counter_ns()


class Keeper(asyncio.Protocol):
    """Keeps what it was given, by whichever way."""

    def __init__(self) -> None:
        self.reads: list[tuple[bytes, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        loop = asyncio.get_running_loop()
        self.transport = transport
        loop.call_soon(self.take_over, loop, transport)

    def take_over(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        reader = reader_of(loop, transport, self.keep)
        assert reader is not None
        reader.start()

    def keep(self, data: bytes, at_ns: int) -> None:
        self.reads.append((data, at_ns))

    def data_received(self, data: bytes) -> None:
        raise AssertionError("the event loop read as well")


async def late() -> tuple[list[tuple[bytes, int]], int, int]:
    """Bytes that came while the loop was busy: (reads, before sending, after sending)."""
    loop = asyncio.get_running_loop()
    keeper = Keeper()
    server = await loop.create_server(lambda: keeper, "127.0.0.1", 0)
    client = socket.create_connection(server.sockets[0].getsockname()[:2])
    await asyncio.sleep(0.02)
    for _ in range(2):  # the kernel begins to stamp a moment after it is first asked
        client.sendall(b"wake")
        await asyncio.sleep(0.02)
    before = time.perf_counter_ns()
    client.sendall(b"late")
    after = time.perf_counter_ns()
    time.sleep(LATE_S)
    await asyncio.sleep(0.01)
    client.close()
    await asyncio.sleep(0.01)
    keeper.transport.abort()
    server.close()
    return keeper.reads, before, after


@linux
@pytest.mark.parametrize("name", [name for name in LOOPS if name in ("asyncio", "uvloop")])
def test_bytes_arrive_when_the_kernel_has_them(name: str) -> None:
    if name == "uvloop":
        pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=loop_factory(name)) as runner:
        reads, before, after = runner.run(late())
    assert [data for data, _ in reads] == [b"wake", b"wake", b"late", b""]
    assert before - 1_000_000 < reads[2][1] < after + LATE_S * 1e9 / 2


@linux
@pytest.mark.parametrize("name", [name for name in LOOPS if name in ("asyncio", "uvloop")])
def test_a_request_that_nobody_accepted_yet_had_come_all_the_same(name: str) -> None:
    if name == "uvloop":
        pytest.importorskip("uvloop")

    async def asked_of_a_busy_endpoint() -> tuple[int, int, int]:
        loop, pace = asyncio.get_running_loop(), Pace(asyncio.get_running_loop())
        server = Server(Script(ttft_ns=0, gap_ns=0, tokens=1), pace, "127.0.0.1", 0)
        await server.door.open()
        await asyncio.sleep(0.1)  # the kernel begins to stamp a moment after it is first asked
        before_ns = time.perf_counter_ns()
        with socket.create_connection(server.door.address) as client:
            client.sendall(REQUEST)
            after_ns = time.perf_counter_ns()
            time.sleep(LATE_S)
            client.setblocking(False)
            async with asyncio.timeout(5):
                await loop.sock_recv(client, 1000)
        arrived_ns: int = server.truth.values()["requests"][0]["arrived_ns"]
        server.door.close()
        pace.close()
        return before_ns, arrived_ns, after_ns

    with asyncio.Runner(loop_factory=loop_factory(name)) as runner:
        before_ns, arrived_ns, after_ns = runner.run(asked_of_a_busy_endpoint())
    assert before_ns - 1_000_000 < arrived_ns < after_ns + LATE_S * 1e9 / 2
