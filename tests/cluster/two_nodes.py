"""Two Ray nodes on this machine, each a raylet of its own; ended by their processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
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


def ray_env(health: Mapping[str, str] = _HEALTH) -> dict[str, str]:
    """Of the nodes and of whoever asks them: tailrace is found, and nobody is told of its use."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"}
    return clean_env({**quiet, **health, **_PATIENT})


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
        kill_whole(self.beside)


@contextlib.contextmanager
def two_nodes(folder: Path) -> Iterator[TwoNodes]:
    """Up when this is entered, gone when it is left."""
    port, client_port = free_port(), free_port()
    address = f"127.0.0.1:{port}"
    client = f"--ray-client-server-port={client_port}"
    options = ("--head", f"--port={port}", client, "--include-dashboard=false")
    with (
        node(options, folder / "head") as head,
        node((f"--address={address}",), folder / "beside") as beside,
    ):
        yield TwoNodes(address, f"ray://127.0.0.1:{client_port}", head, beside, folder / "tailrace")


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody has."""
    with socket.create_server((host, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextlib.contextmanager
def node(
    options: Sequence[str],
    where: Path,
    *,
    host: str = "127.0.0.1",
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """``ray start`` with these options, and ``before`` in front of it."""
    command = [*before, sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--block"]
    command += [f"--num-cpus={CORES}", f"--node-ip-address={host}", "--disable-usage-stats"]
    command += ["--object-store-memory=80000000"]
    log = where.with_suffix(".log")
    env = env or ray_env() | {"XDG_CACHE_HOME": str(where.parent)}
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=env, cwd=where.parent)
    try:
        _wait(log)
        yield process
    finally:
        kill_whole(process)


def _wait(log: Path) -> None:
    until_s = time.monotonic() + START_S
    while "Ray runtime started" not in log.read_text(errors="replace"):
        assert time.monotonic() < until_s, log.read_text(errors="replace")
        time.sleep(0.1)


def kill_whole(process: subprocess.Popen[bytes]) -> None:
    """It and all that it has started, at once."""
    with contextlib.suppress(psutil.NoSuchProcess):
        whole = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for each in whole:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    with contextlib.suppress(ProcessLookupError):
        os.waitpid(process.pid, os.WNOHANG)
    process.poll()
