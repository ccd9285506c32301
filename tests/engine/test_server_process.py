"""Which process serves a URL, and what it and its children use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tailrace.engine.server_process import Tree, is_loopback, listener_of

CHILD = "import sys; print('up', flush=True); x = bytearray(30_000_000); sys.stdin.read()"
PARENT = (
    "import subprocess, sys; "
    f"child = subprocess.Popen([sys.executable, '-c', {CHILD!r}]); child.wait()"
)
BUSY = "import time; until = time.process_time() + 0.3\nwhile time.process_time() < until: pass"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://192.168.0.2:8080/v1", False),
        ("https://example.com/v1", False),
    ],
)
def test_which_hosts_are_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_the_listener_of_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if sys.platform == "linux":
            assert listener_of(f"http://127.0.0.1:{port}/v1") == os.getpid()
        assert listener_of(f"http://192.0.2.1:{port}/v1") is None
    assert listener_of(f"http://127.0.0.1:{port}/v1") is None


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline().strip() == b"up"
    yield process
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def test_children_count_with_their_parent(family: subprocess.Popen[bytes]) -> None:
    both, child = Tree(family.pid).look(), Tree(family.pid, children_only=True).look()
    assert both is not None
    assert child is not None
    assert (both["processes"], child["processes"]) == (2, 1)
    assert both["rss_bytes"] > child["rss_bytes"] > 5_000_000
    assert both["threads"] >= 2


def test_cpu_of_a_child_that_has_ended_still_counts() -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        tree = Tree(process.pid, search_every_s=0)
        seen: list[float] = []
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = tree.look()
            assert found is not None
            seen.append(found["cpu_s"])
            if found["processes"] == 1 and seen[-1] > 0.25:
                break
            time.sleep(0.02)
        assert seen == sorted(seen)
        assert seen[-1] > 0.25
        process.communicate(b"\n")
    assert tree.look() is None


def test_a_process_that_is_not_there() -> None:
    with pytest.raises(ProcessLookupError):
        Tree(2**31 - 2)
