"""The process of a service: known only where it really serves that port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from tailrace.engine.foundry_process import Process

LISTENS = (
    "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
    "print(s.getsockname()[1], flush=True); time.sleep(60)"
)


def test_it_runs_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", LISTENS], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child:
        port = int(child.stdout.readline())
        process = Process.of(f"http://127.0.0.1:{port}", child.pid)
        assert process is not None
        assert process.runs()
        child.kill()
        child.wait()
        assert not process.runs()
        assert Process.of(f"http://127.0.0.1:{port}", child.pid) is None


def test_one_that_serves_another_port_or_machine_is_not_watched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, own = server.getsockname()[1], os.getpid()
        assert Process.of(f"http://127.0.0.1:{port}", own) is not None
        assert Process.of("http://127.0.0.1:1", own) is None
        assert Process.of(f"http://192.0.2.1:{port}", own) is None
        assert Process.of(f"http://127.0.0.1:{port}", None) is None
