"""Who stamps a read: the kernel where it does, and what becomes of a stamp that cannot be."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time

import pytest

from tailrace.engine import stamps
from tailrace.engine.clock import now_ns
from tailrace.engine.exchange import Exchange
from tailrace.engine.stamps import OLDEST_NS, SO_TIMESTAMPNS, StampBook, ask_for_stamps
from tailrace.engine.wire import FastTransport
from tests.engine.scripted_socket import chunked
from tests.engine.test_wire import CHUNKED, Sink, post

linux = pytest.mark.skipif(sys.platform != "linux", reason="kernel stamps are Linux's")
LATE_S = 0.06


def ancillary(wall_ns: int) -> list[tuple[int, int, bytes]]:
    data = struct.pack("@ll", *divmod(wall_ns, 1_000_000_000))
    return [(socket.SOL_SOCKET, SO_TIMESTAMPNS, data)]


def test_a_stamp_is_moved_to_the_runs_clock_and_its_age_is_kept() -> None:
    book = StampBook()
    before = now_ns()
    at_ns = book.stamp(ancillary(time.time_ns() - 30_000_000))
    assert before - 31_000_000 < at_ns < now_ns() - 30_000_000
    facts = book.facts()
    assert (facts.kernel_reads, facts.user_reads, facts.source) == (1, 0, "kernel receive")
    assert facts.lag.max_ns is not None
    assert facts.lag.max_ns >= 30_000_000


@pytest.mark.parametrize("off_ns", [OLDEST_NS + 1_000_000_000, -1_000_000_000], ids=["old", "new"])
def test_a_stamp_across_a_step_of_the_wall_clock_is_refused(off_ns: int) -> None:
    book = StampBook()
    before = now_ns()
    assert before <= book.stamp(ancillary(time.time_ns() - off_ns)) <= now_ns()
    facts = book.facts()
    assert (facts.kernel_reads, facts.user_reads, facts.refused, facts.lag.n) == (0, 1, 1, 0)
    assert facts.source == "user-space read"


@pytest.mark.parametrize("held_up_ns", [0, 4_000, 6_000, 40_000, 3_000_000])
def test_being_held_up_between_the_two_clocks_moves_no_stamp(
    held_up_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_ns = [1_000_000_000]
    ahead_ns = 7_000_000_000
    held_ups = iter([0, held_up_ns])

    def monotonic() -> int:
        true_ns[0] += 100
        return true_ns[0]

    def wall() -> int:
        true_ns[0] += next(held_ups, 0)
        return true_ns[0] + ahead_ns

    monkeypatch.setattr(stamps, "now_ns", monotonic)
    monkeypatch.setattr(stamps, "wall_clock_ns", wall)
    book = StampBook()
    for _ in range(3):
        arrived_ns = true_ns[0] - 20_000
        assert abs(book.stamp(ancillary(arrived_ns + ahead_ns)) - arrived_ns) <= 5_000


def test_without_a_stamp_the_read_has_the_time_it_was_seen() -> None:
    book = StampBook()
    before = now_ns()
    assert before <= book.stamp([]) <= now_ns()
    book.stamp(ancillary(time.time_ns()))
    assert book.facts().source == "mixed"
    book.reset()
    assert book.facts().source == "none"


@linux
def test_a_socket_can_be_asked_and_a_closed_one_cannot() -> None:
    sock = socket.socket()
    assert ask_for_stamps(sock)
    sock.close()
    assert not ask_for_stamps(sock)


class Slow(Sink):
    """A sink that holds up the loop at the headers, while the server writes the body."""

    def on_headers(self) -> None:
        super().on_headers()
        time.sleep(LATE_S)


@linux
@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "user"])
def test_the_client_being_late_is_not_the_servers_latency(kernel: bool) -> None:
    """The server, in a thread of its own, writes a body while the client's loop is held up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> int:
        conn, _ = listener.accept()
        wrote = 0
        with conn:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(2):
                conn.recv(65536)
                conn.sendall(CHUNKED)
                time.sleep(LATE_S / 3)
                wrote = now_ns()
                conn.sendall(chunked(b"x"))
        return wrote

    async def ask() -> tuple[int, int]:
        serving = asyncio.create_task(asyncio.to_thread(serve))
        wire = FastTransport(kernel_stamps=kernel)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for sink in (Sink(), Slow()):
            await wire.exchange(post(url), Exchange(sink))
        await wire.aclose()
        return sink.reads[0][0], await serving

    with listener:
        seen_ns, wrote_ns = asyncio.run(ask())
    late_ns = seen_ns - wrote_ns
    if kernel:
        assert 0 <= late_ns < LATE_S * 1e9 / 3
    else:
        assert late_ns > LATE_S * 1e9 / 3
