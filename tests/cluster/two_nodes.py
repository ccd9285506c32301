"""Two Ray nodes on this machine, each a raylet of its own; ended by their processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..command import clean_env

CORES = 2
START_S = 60.0
_HEALTH = {
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}
_PATIENT = {"RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "120"}
"""A client's server imports all of Ray as it starts: more than Ray's 30 s on a busy machine."""


def ray_env() -> dict[str, str]:
    """Of the nodes and of whoever asks them: tailrace is found, and nobody is told of its use."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"}
    return clean_env({**quiet, **_HEALTH, **_PATIENT})


@dataclass
class TwoNodes:
    """``address`` is the head's; the node beside it can be killed."""

    address: str
    client: str
    """The same cluster from outside, through Ray's client server."""
    head: subprocess.Popen[bytes]
    beside: subprocess.Popen[bytes]
    cache: Path
    """Where both nodes keep what is to be kept between runs."""

    def kill_beside(self) -> None:
        """As if that machine had lost its power."""
        _kill(self.beside)


@contextlib.contextmanager
def two_nodes(folder: Path) -> Iterator[TwoNodes]:
    """Up when this is entered, gone when it is left."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        port, client_port = one.getsockname()[1], two.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        client = f"--ray-client-server-port={client_port}"
        options = ("--head", f"--port={port}", client, "--include-dashboard=false")
        head = _start(options, folder / "head")
        stack.callback(_kill, head)
        _wait(folder / "head.log")
        beside = _start((f"--address={address}",), folder / "beside")
        stack.callback(_kill, beside)
        _wait(folder / "beside.log")
        yield TwoNodes(address, f"ray://127.0.0.1:{client_port}", head, beside, folder / "tailrace")


def _start(options: Sequence[str], where: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--block"]
    command += [f"--num-cpus={CORES}", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]
    command += ["--object-store-memory=80000000"]
    env = ray_env() | {"XDG_CACHE_HOME": str(where.parent)}
    with where.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=where.parent)


def _wait(log: Path) -> None:
    until_s = time.monotonic() + START_S
    while "Ray runtime started" not in log.read_text(errors="replace"):
        assert time.monotonic() < until_s, log.read_text(errors="replace")
        time.sleep(0.1)


def _kill(node: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        whole = [*psutil.Process(node.pid).children(recursive=True), psutil.Process(node.pid)]
        for process in whole:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    with contextlib.suppress(ProcessLookupError):
        os.waitpid(node.pid, os.WNOHANG)
    node.poll()
