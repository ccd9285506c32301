"""What listens does so on this machine alone, or says so, and takes no endless request."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import psutil
import pytest

from tailrace.adapter_host import server as adapter_server
from tailrace.simulate import Script, background, endpoint
from tailrace.simulate.connection import MOST_HEAD_BYTES, MOST_WAITING

from ..command import start_tailrace
from .inside import Inside


def listens_on(pid: int) -> set[str]:
    connections = psutil.Process(pid).net_connections("tcp")
    return {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}


def test_the_endpoint_and_an_adapter_listen_on_loopback() -> None:
    with endpoint(Script()) as served:
        assert listens_on(served.pid) == {"127.0.0.1"}
    with adapter_server.bound(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "told"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True)],
)
def test_another_host_is_told_in_one_line(tmp_path: Path, host: str, told: bool) -> None:
    process = start_tailrace("simulate", "--host", host, "--port", "0", cwd=tmp_path)
    assert process.stdout is not None
    started = process.stdout.readline()
    process.terminate()
    _, err = process.communicate(timeout=30)
    if host == "::1" and not started:
        pytest.skip("no IPv6 here")
    assert "http://" in started
    assert err.count("\n") == told
    assert ("whoever reaches this machine" in err) == told


def test_metrics_for_others_are_told(inside: Inside) -> None:
    where = ("run", "--url", "http://127.0.0.1:9", "-m", "sim", "-q", "--metrics-port", "0")
    told = "--metrics-host 0.0.0.0: whoever reaches this machine"
    assert told not in inside(*where)[1]
    assert told in inside(*where, "--metrics-host", "0.0.0.0")[1]


def talk(url: str, data: bytes) -> bytes:
    """What comes until the other side closes."""
    host, port = url.split("/")[2].split(":")
    got = b""
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        try:
            sock.sendall(data)
            while part := sock.recv(65536):
                got += part
        except (ConnectionResetError, BrokenPipeError):
            pass
    return got


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"x" * (4 * MOST_HEAD_BYTES),
        b"GET /health HTTP/1.1\r\n" + b"x: y\r\n" * MOST_HEAD_BYTES,
        b"GET /health HTTP/1.1\r\nx: " + b"y" * (4 * MOST_HEAD_BYTES),
        b"GET /x HTTP/1.1\r\n\r\n\x00\x01\x02",
    ],
    ids=["target", "headers", "header", "no HTTP"],
)
def test_an_endless_head_is_cut_off(data: bytes) -> None:
    with background(Script()) as url:
        began = time.monotonic()
        got = talk(url, data)
        assert got == b"" or b" 400 " in got
        assert time.monotonic() - began < 15
        assert b"200 OK" in talk(url, b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n")


def test_requests_that_pile_up_are_cut_off() -> None:
    slow = Script(ttft_ns=30_000_000_000)
    body = b'{"model":"sim","stream":true,"messages":[{"role":"user","content":"x"}]}'
    one = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with background(slow) as url:
        began = time.monotonic()
        talk(url, one * (2 * MOST_WAITING))
        assert time.monotonic() - began < 15
