"""Both ways to read sockets, in Python and in C, against the same real sockets."""

from __future__ import annotations

import hashlib
import select
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.pieces import plain_start
from tailrace.engine import wire_reads
from tailrace.engine.clock import now_ns
from tailrace.engine.stamps import NO_STAMP, StampBook, ask_for_stamps
from tailrace.engine.wire_reads import AT_ONCE, READ_BYTES, News, Take, take

linux = pytest.mark.skipif(sys.platform != "linux", reason="kernel links are Linux's alone")
PATIENCE = 4
IN, OUT, HUP, RDHUP, ERR = 1, 4, 16, 0x2000, 8
NEWS = 0x80000000 | RDHUP | IN
EVENT = b"9\r\ndata: a\n\n\r\n"
SOURCE = Path(wire_reads.__file__).with_suffix(".c")

C_TAKE, WRITTEN_IN = wire_reads.load()
TAKES = {"python": take} | ({"c": C_TAKE} if WRITTEN_IN == "C" else {})
each = pytest.mark.parametrize("read", TAKES.values(), ids=TAKES)


@pytest.fixture(scope="module", autouse=True)
def _stamps_are_on() -> Iterator[None]:
    """The kernel begins to stamp a moment after the first socket asked, and ends with the last."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        if ask_for_stamps(sock):
            select.select([], [], [], 0.2)
        yield


class Rig:
    """Some connections: this side's sockets as a poller holds them, and the servers' ends."""

    def __init__(self, read: Take, sockets: int = 1, stamped: bool = True) -> None:
        self._read = read
        self.epoll = select.epoll()
        self.book = StampBook()
        self.servers: list[socket.socket] = []
        self.links: dict[int, socket.socket] = {}
        self.pendings: dict[int, list[tuple[int, bytes, int]]] = {}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for _ in range(sockets):
                ours = socket.create_connection(listener.getsockname())
                ours.setblocking(False)
                assert not stamped or ask_for_stamps(ours)
                self.servers.append(listener.accept()[0])
                self.links[ours.fileno()], self.pendings[ours.fileno()] = ours, []
                self.epoll.register(ours, NEWS)

    @property
    def fds(self) -> list[int]:
        return list(self.links)

    def take(self, within_s: float = 5.0) -> list[News]:
        """What there is, once there is something."""
        select.select([self.epoll], [], [], within_s)
        return self._read(self.epoll, self.pendings, self.links, self.book, PATIENCE)

    def close(self) -> None:
        for sock in chain(self.servers, self.links.values()):
            sock.close()
        self.epoll.close()


@contextmanager
def rig(read: Take, sockets: int = 1, stamped: bool = True) -> Iterator[Rig]:
    made = Rig(read, sockets, stamped)
    try:
        yield made
    finally:
        made.close()


def told(news: list[News], fds: list[int]) -> list[tuple[object, ...]]:
    """News with sockets by their place, and errors but not which."""
    return sorted(
        (fds.index(fd), size, error is None, error == 0, events) for fd, size, error, events in news
    )


def start_of(read: Take, data: bytes) -> int:
    """The plain start that it is to find."""
    return plain_start(data) if read is C_TAKE and read is not take else 0


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def unread(sock: socket.socket) -> int:
    """Bytes that have come and were not read."""
    import fcntl
    import termios

    answer = fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(answer, sys.byteorder)


def can_compile() -> bool:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    return shutil.which(compiler) is not None and header.exists()


@linux
def test_c_is_built_wherever_it_can_be_and_of_this_source() -> None:
    assert (WRITTEN_IN == "C") is can_compile()
    if WRITTEN_IN == "C":
        from tailrace.engine import _wire_reads

        digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
        assert digest == _wire_reads.SOURCE_SHA256, "it was changed; run make -B .venv/.test"
        assert (_wire_reads.READ_BYTES, _wire_reads.AT_ONCE) == (READ_BYTES, AT_ONCE)


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (EVENT, 9),
        (b"0009\r\ndata: a\n\n\r\n", 12),
        (b"0F\r\ndata: " + b"x" * 7 + b"\n\n\r\n", 10),
        (b"1f4\r\ndata: " + b"x" * 492 + b"\n\n\r\n", 11),
        (b"8\r\ndata: \n\n\r\n", 9),
        (b"", 0),
        (EVENT[:-1], 0),
        (EVENT + b"9", 0),
        (EVENT + EVENT, 0),
        (b"8" + EVENT[1:], 0),
        (b"0000009" + EVENT[1:], 0),
        (b"9;a=b" + EVENT[1:], 0),
        (b"9 " + EVENT[1:], 0),
        (b"g" + EVENT[1:], 0),
        (b"\r\ndata: a\n\n\r\n", 0),
        (b"8\r\ndata:a\n\n\r\n", 0),
        (b"9\r\nDATA: a\n\n\r\n", 0),
        (b"a\r\ndata: a\n\n\n\r\n", 0),
        (b"a\r\ndata: \ra\n\n\r\n", 0),
        (b"b\r\ndata: a\r\n\n\r\n", 0),
        (b"a\r\ndata: \na\n\n\r\n", 0),
        (b"8\r\ndata: a\n\r\n", 0),
        (b"7\r\ndata: \n\n\r\n", 0),
        (b"6\r\ndata: \n\r\n", 0),
    ],
)
def test_a_read_is_plain_or_it_is_not(data: bytes, start: int) -> None:
    assert plain_start(data) == start
    for read in TAKES.values() if data and sys.platform == "linux" else ():
        with rig(read) as made:
            made.servers[0].sendall(data)
            (fd,) = made.fds
            assert made.take() == [(fd, len(data), None, IN)]
            assert [kept[1:] for kept in made.pendings[fd]] == [(data, start_of(read, data))]


@linux
@each
def test_c_and_python_know_the_same_reads_as_plain(read: Take) -> None:
    pieces = st.sampled_from(
        [b"\r\n", b"\n\n", b"data: ", b"data", b": ", b"9", b"a", b"1f", b"\r", b"\n", b"x" * 7]
    )
    plain = st.binary(max_size=40).map(
        lambda text: b"%x\r\ndata: %b\n\n\r\n" % (len(text) + 8, text)
    )
    drawn = st.one_of(plain, st.lists(pieces, min_size=1).map(b"".join), st.binary(min_size=1))
    with rig(read) as made:

        @settings(
            max_examples=300,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(drawn)
        def law(data: bytes) -> None:
            made.servers[0].sendall(data)
            (fd,) = made.fds
            made.pendings[fd].clear()
            assert made.take() == [(fd, len(data), None, IN)]
            assert [kept[1:] for kept in made.pendings[fd]] == [(data, start_of(read, data))]

        law()


@linux
@each
def test_a_read_waits_with_those_before_it_until_they_are_as_many_as_may(read: Take) -> None:
    with rig(read) as made:
        (fd,) = made.fds
        server, pending = made.servers[0], made.pendings[fd]
        server.sendall(EVENT)
        assert made.take() == [(fd, len(EVENT), None, IN)]
        assert len(pending) == 1
        for waiting in range(2, PATIENCE + 1):
            before_ns = now_ns()
            server.sendall(EVENT if waiting % 2 else b"6\r\nabcdef\r\n")
            assert made.take() == []
            at_ns, data, start = pending[-1]
            assert len(pending) == waiting
            assert data == (EVENT if waiting % 2 else b"6\r\nabcdef\r\n")
            assert start == start_of(read, data)
            assert before_ns - 50_000 < at_ns < now_ns()
        server.sendall(EVENT)
        assert made.take() == [(fd, len(EVENT), None, IN)]
        assert len(pending) == PATIENCE + 1


@linux
@each
@pytest.mark.parametrize(
    "data", [b"0\r\n\r\n", EVENT + b"0\r\n\r\n", b"\r\n0", b"\n", b"\x00", b"x" * (2 * READ_BYTES)]
)
def test_a_read_in_which_a_body_may_end_does_not_wait(read: Take, data: bytes) -> None:
    with rig(read) as made:
        (fd,) = made.fds
        made.pendings[fd].append((5, EVENT, 9))
        made.links[fd].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * READ_BYTES)
        made.servers[0].sendall(data)
        while unread(made.links[fd]) < min(len(data), READ_BYTES):
            select.select([], [], [], 0.001)
        assert made.take() == [(fd, min(len(data), READ_BYTES), None, IN)]
        assert [kept[1:] for kept in made.pendings[fd][1:]] == [(data[:READ_BYTES], 0)]


@linux
@each
def test_bytes_above_ascii_may_wait(read: Take) -> None:
    with rig(read) as made:
        (fd,) = made.fds
        made.pendings[fd].append((5, EVENT, 9))
        made.servers[0].sendall(b"\xff\x80")
        assert made.take() == []
        assert made.pendings[fd][-1][1] == b"\xff\x80"


@linux
@each
@pytest.mark.parametrize("stamped", [True, False], ids=["stamped", "not"])
def test_a_read_has_the_kernels_stamp_or_says_that_it_has_none(read: Take, stamped: bool) -> None:
    with rig(read, stamped=stamped) as made:
        before_ns = now_ns()
        made.servers[0].sendall(b"x")
        sent_ns = now_ns()
        select.select([], [], [], 0.05)
        ((fd, *_),) = made.take()
        ((at_ns, *_),) = made.pendings[fd]
        (lag_ns,) = made.book.lags_ns
        facts = made.book.facts()
        if stamped:
            assert before_ns - 50_000 < at_ns < sent_ns + 50_000
            assert 0.045e9 < lag_ns < 5e9
            assert (facts.kernel_reads, facts.user_reads) == (1, 0)
        else:
            assert at_ns > sent_ns + 0.045e9
            assert lag_ns == NO_STAMP
            assert (facts.kernel_reads, facts.user_reads, facts.refused) == (0, 1, 0)


Step = tuple[str, int]
STEPS = ("event", "end", "bytes", "close", "reset", "shut", "writable", "wait", "forget")


def act(made: Rig, what: str, place: int) -> None:
    """One thing that happens to a connection, or that its owner does."""
    fd, server = made.fds[place], made.servers[place]
    done(what, made, fd, server)
    if server.fileno() < 0 or what in ("event", "end", "bytes", "shut"):
        select.select([fd], [], [], 5)  # the kernel may hand it over later than it took it


def done(what: str, made: Rig, fd: int, server: socket.socket) -> None:
    if what in ("event", "end", "bytes") and server.fileno() >= 0:
        data = {"event": EVENT, "end": b"0\r\n\r\n", "bytes": b"abc"}[what]
        try:
            server.sendall(data)
        except OSError:
            return
    elif what == "close":
        server.close()
    elif what == "reset" and server.fileno() >= 0:
        reset(server)
    elif what == "shut" and server.fileno() >= 0:
        server.shutdown(socket.SHUT_WR)
    elif what == "writable":
        made.epoll.modify(fd, NEWS | OUT)
    elif what == "wait" and fd in made.pendings:
        made.pendings[fd].append((0, b"w", 0))
    elif what == "forget":
        made.pendings.pop(fd, None)


@linux
@pytest.mark.skipif(WRITTEN_IN != "C", reason="there is but one of them")
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2)), max_size=12))
def test_whatever_happens_both_tell_the_same(steps: list[Step]) -> None:
    with rig(take, 3) as python, rig(C_TAKE, 3) as c:
        for what, place in steps:
            for made in (python, c):
                act(made, what, place)
            assert told(c.take(0), c.fds) == told(python.take(0), python.fds), what
            waiting = [
                [[read[1] for read in made.pendings.get(fd, ())] for fd in made.fds]
                for made in (python, c)
            ]
            assert waiting[0] == waiting[1]


@linux
@each
@pytest.mark.parametrize(
    ("end", "number", "event"),
    [(socket.socket.close, 0, RDHUP), (reset, 104, ERR)],
    ids=["close", "reset"],
)
def test_an_end_and_an_error_are_told(
    read: Take, end: Callable[[socket.socket], None], number: int, event: int
) -> None:
    with rig(read) as made:
        end(made.servers[0])
        ((fd, size, error, events),) = made.take()
        assert (size, error, made.pendings[fd]) == (0, number, [])
        assert events & event


@linux
@each
def test_so_many_at_once_and_the_rest_the_next_time(read: Take) -> None:
    with rig(read, AT_ONCE + 3) as made:
        for server in made.servers:
            server.sendall(b"x")
        seen = [fd for _ in range(2) for fd, *_ in made.take()]
        assert sorted(seen) == sorted(made.fds)


@linux
@each
def test_a_closed_epoll_and_wrong_arguments_are_errors(read: Take) -> None:
    with rig(read) as made:
        made.epoll.close()
        with pytest.raises((ValueError, OSError)):
            made.take()
    with pytest.raises((TypeError, AttributeError)):
        read(None, [], {}, None, "x")  # type: ignore[arg-type]


@linux
@each
def test_nothing_is_kept_of_what_was_handed_over(read: Take) -> None:
    with rig(read) as made:
        (fd,) = made.fds

        def turn() -> None:
            for _ in range(300):
                made.pendings[fd].append((5, EVENT, 9))
                made.servers[0].sendall(EVENT)
                made.take()
                made.servers[0].sendall(b"0\r\n\r\n")
                made.take()
                made.pendings[fd].clear()
                made.book.lags_ns.clear()

        turn()
        before = sys.getallocatedblocks()
        turn()
        assert sys.getallocatedblocks() - before < 50


_NO_MEMORY = """
import _testcapi, collections, sys
sys.path.insert(0, sys.argv[1])
from tests.engine.test_wire_reads import C_TAKE, EVENT, rig

def once(nth, waiting):
    with rig(C_TAKE) as made:
        (fd,) = made.fds
        made.pendings[fd][:] = [(5, EVENT, 9)] * waiting
        made.servers[0].sendall(EVENT)
        found = None
        _testcapi.set_nomemory(nth, nth + 1 + waiting)
        try:
            found = C_TAKE(made.epoll, made.pendings, made.links, made.book, 4)
        except MemoryError:
            pass
        _testcapi.remove_mem_hooks()
        if found is None:  # nothing was asked of the kernel yet
            found = made.take()
            assert found or len(made.pendings[fd]) == 2
            return "later"
        if found:
            assert len(made.pendings[fd]) > waiting or found[0][2] == 12
            return {None: "read", 12: "told"}[found[0][2]]
        if waiting and len(made.pendings[fd]) == 2:
            return "read"
        ((_, _, error, _),) = made.take()
        assert error == 0
        return "ended"

seen = collections.Counter(once(nth, waiting) for nth in range(30) for waiting in (0, 1))
print(*(seen[name] for name in ("read", "told", "ended", "later")))
"""


@linux
@pytest.mark.skipif(WRITTEN_IN != "C", reason="Python's own errors are Python's")
def test_where_no_memory_is_given_a_connection_ends_and_nothing_is_lost_in_silence() -> None:
    """Each of its allocations fails once: in a child, for a mistake there would end the process."""
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", _NO_MEMORY, root]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "No module named '_testcapi'" in done.stderr:
        pytest.skip("this Python cannot be made short of memory")
    assert done.returncode == 0, done.stderr
    read, told, ended, later = map(int, done.stdout.split())
    assert min(read, told, ended, later) > 0, done.stdout
    assert read + told + ended + later == 60
