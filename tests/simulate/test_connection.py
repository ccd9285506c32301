"""Raw sockets: keep-alive, pieces, pipelines, bad bytes, clients that leave, and many clients."""

import contextlib
import json
import selectors
import socket
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from tailrace.simulate import Script

from .helpers import await_in_flight, body, events, truth

END = b"0\r\n\r\n"


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    made = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def raw(*headers: str, **more: object) -> bytes:
    text = json.dumps(body(**more)).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"content-length: {len(text)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + text


def answer(sock: socket.socket, ends: int = 1) -> bytes:
    """Everything up to the end of that many chunked bodies, or of the connection."""
    found = bytearray()
    while not found.endswith(END) or found.count(END) < ends:
        data = sock.recv(1 << 20)
        if not data:
            break
        found += data
    return bytes(found)


def test_wire_is_a_chunk_for_each_event(client: httpx.Client, endpoint: str) -> None:
    with connect(endpoint) as sock:
        sock.sendall(raw())
        head, _, rest = answer(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    pieces = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        pieces.append(rest[: int(size, 16)])
        assert rest[int(size, 16) :][:2] == b"\r\n"
        rest = rest[int(size, 16) + 2 :]
    assert pieces.pop() == b""
    assert all(len(events(piece)) == 1 for piece in pieces)
    assert len(pieces) == 1 + 5 + 1 + 1
    record = truth(client)["requests"][0]
    framing = sum(len(f"{len(piece):x}") + 4 for piece in pieces) + len(END)
    assert record["bytes"] == len(head) + 4 + sum(map(len, pieces)) + framing


def test_request_in_pieces_and_again_on_the_same_connection(
    client: httpx.Client, endpoint: str
) -> None:
    data = raw("X-Request-ID: mine")
    with connect(endpoint) as sock:
        for place in range(0, len(data), 16):
            sock.sendall(data[place : place + 16])
        assert b"x-request-id: mine\r\n" in answer(sock)
        sock.sendall(raw())
        assert b"[DONE]" in answer(sock)
    found = truth(client)
    assert [record["id"] for record in found["requests"]] == ["mine", "2"]
    assert found["connections"] == 1
    assert len({record["connection"] for record in found["requests"]}) == 1


def test_pipelined_requests_are_answered_in_turn(client: httpx.Client, endpoint: str) -> None:
    with connect(endpoint) as sock:
        sock.sendall(raw() * 3)
        assert answer(sock, 3).count(b"[DONE]") == 3
    assert truth(client)["max_in_flight"] == 1


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"no http at all\n"])
def test_bad_bytes_get_400_and_the_door(endpoint: str, junk: bytes) -> None:
    with connect(endpoint) as sock:
        sock.sendall(junk)
        assert answer(sock).startswith(b"HTTP/1.1 400 ")


def test_expect_100_continue(endpoint: str) -> None:
    head, _, rest = raw("expect: 100-continue").partition(b"\r\n\r\n")
    with connect(endpoint) as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(rest)
        assert b"[DONE]" in answer(sock)


def test_connection_close_asked_for_is_given(endpoint: str) -> None:
    with connect(endpoint) as sock:
        sock.sendall(raw("connection: close"))
        found = answer(sock, 2)
    assert b"connection: close\r\n" in found
    assert found.endswith(END)


@pytest.mark.parametrize("rude", [False, True])
def test_client_that_leaves_frees_its_slot(start: Callable[[Script], str], rude: bool) -> None:
    url = start(Script(ttft_ns=15_000_000, gap_ns=2_000_000, tokens=3, slots=1))
    with httpx.Client(base_url=url, verify=False) as client:
        leavers = [connect(url) for _ in range(3)]
        for sock in leavers:
            sock.sendall(raw(max_tokens=100_000, ignore_eos=True))
            time.sleep(0.01)
        await_in_flight(client, len(leavers))
        for sock in leavers:
            if rude:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        with connect(url) as sock:
            sock.sendall(raw())
            assert b"[DONE]" in answer(sock)
        found = truth(client)
    assert [record["end"] for record in found["requests"]] == ["left", "left", "left", "done"]
    assert found["in_flight"] == 0


def test_slow_reader_gets_every_byte(start: Callable[[Script], str]) -> None:
    """More than the kernel holds: what it refuses must follow in order."""
    url = start(Script(ttft_ns=0, gap_ns=0, tokens=1_000_000, tokens_per_chunk=500))
    with connect(url) as sock:
        sock.sendall(raw())
        time.sleep(0.15)
        head, _, chunked = answer(sock).partition(b"\r\n\r\n")
    assert head
    with httpx.Client(base_url=url, verify=False) as client:
        found = truth(client)["requests"][0]
    assert found["bytes"] == len(head) + 4 + len(chunked)
    assert found["tokens"] == 1_000_000
    assert chunked.count(b"data: ") == 2_000 + 3


def room_for(sockets: int) -> bool:
    """Whether this process may open so many, once its limit is raised."""
    if sys.platform == "win32":
        return True
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, sockets + 200)), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= sockets + 200


def test_two_thousand_open_connections(start: Callable[[Script], str]) -> None:
    many = 2000
    if not room_for(many):
        pytest.skip("too few open files allowed")
    url = start(Script(ttft_ns=20_000_000, gap_ns=5_000_000, fault="stall", fault_after=2))
    data = raw()
    with contextlib.ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        sockets = [stack.enter_context(connect(url)) for _ in range(many)]
        for sock in sockets:
            sock.sendall(data)
            ready.register(sock, selectors.EVENT_READ, bytearray())
        left = many
        while left:
            for key, _ in ready.select(5):
                assert isinstance(key.fileobj, socket.socket)
                key.data.extend(key.fileobj.recv(65536))
                left -= b" race" in key.data
        client = stack.enter_context(httpx.Client(base_url=url, verify=False))
        found = truth(client)
    assert (found["in_flight"], found["max_in_flight"], found["connections"]) == (many,) * 3
    assert all(len(record["writes_ns"]) == 2 for record in found["requests"])
