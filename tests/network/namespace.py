"""An endpoint in a network namespace of its own, behind a pair of virtual cables."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.command import ROOT, clean_env

NET = f"10.231.{os.getpid() % 250}"
"""One for each process, so that several may test at the same time."""
HERE, THERE, NOBODY = f"{NET}.1", f"{NET}.2", f"{NET}.3"


class Far(NamedTuple):
    """Where the endpoint is, and an address on the same cable that never answers a SYN."""

    host: str
    port: int
    silent_url: str


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_not() -> str:
    """Why namespaces cannot be made here; "" where they can."""
    name = f"tailrace-try-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "delete", name)
    except FileNotFoundError:
        return "there is no `ip` command"
    except subprocess.CalledProcessError as exc:
        return f"network namespaces are not allowed here: {exc.stderr.strip()}"
    return ""


@contextlib.contextmanager
def far_endpoint(*options: str) -> Iterator[Far]:
    """``tailrace simulate`` with these options, in a namespace."""
    name, cable = f"tailrace-{os.getpid()}", f"tr{os.getpid() % 100000}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", f"{cable}a", "type", "veth", "peer", "name", f"{cable}b", "netns", name)
        _ip("addr", "add", f"{HERE}/29", "dev", f"{cable}a")
        _ip("link", "set", f"{cable}a", "up")
        _ip("-n", name, "addr", "add", f"{THERE}/29", "dev", f"{cable}b")
        _ip("-n", name, "link", "set", f"{cable}b", "up")
        # A neighbour that is known and is not there: what is sent to it is lost without a word.
        _ip("neigh", "add", NOBODY, "lladdr", "02:00:00:00:00:03", "dev", f"{cable}a")
        with _serving(name, THERE, *options) as port:
            yield Far(THERE, port, f"http://{NOBODY}:{port}/v1")
    finally:
        _ip("netns", "delete", name)


class Narrow(NamedTuple):
    """A namespace with few local ports, and the URL of an endpoint in it."""

    name: str
    url: str

    def tailrace(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command in it."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, sys.executable, "-m", "tailrace", *arguments],
            cwd=cwd,
            env=clean_env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextlib.contextmanager
def narrow(ports: int, *options: str) -> Iterator[Narrow]:
    """``tailrace simulate`` with these options, on the loopback of a namespace of that kind."""
    name, first = f"tailrace-narrow-{os.getpid()}", 50_000
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        given = f"echo {first} {first + ports - 1} > /proc/sys/net/ipv4/ip_local_port_range"
        with _serving(name, "127.0.0.1", *options) as port:  # before, as its own port is one
            _ip("netns", "exec", name, "sh", "-c", given)
            yield Narrow(name, f"http://127.0.0.1:{port}/v1")
    finally:
        _ip("netns", "delete", name)


@contextlib.contextmanager
def _serving(name: str, host: str, *options: str) -> Iterator[int]:
    command = ["ip", "netns", "exec", name, sys.executable, "-m", "tailrace", "simulate"]
    process = subprocess.Popen(
        [*command, "--host", host, "--port", "0", *options],
        cwd=ROOT,
        env=clean_env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        yield int(line.strip().removesuffix("/v1").rpartition(":")[2])
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
