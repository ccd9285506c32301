"""A network namespace at the other end of a virtual cable, and endpoints in it or at this end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
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


def ip(*words: str) -> None:
    """The command; raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_not() -> str:
    """Why namespaces cannot be made here; "" where they can."""
    name = f"tailrace-try-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "delete", name)
    except FileNotFoundError:
        return "there is no `ip` command"
    except subprocess.CalledProcessError as exc:
        return f"network namespaces are not allowed here: {exc.stderr.strip()}"
    return ""


class Cable(NamedTuple):
    """From this namespace, where it has the address ``HERE``, to ``THERE`` in the one named."""

    name: str
    near: str
    far: str
    """Its two ends, each a device in its namespace."""


@contextlib.contextmanager
def cable() -> Iterator[Cable]:
    """A namespace at its other end."""
    made = Cable(f"tailrace-{os.getpid()}", *(f"tr{os.getpid() % 100000}{end}" for end in "ab"))
    ip("netns", "add", made.name)
    try:
        ends = ("add", made.near, "type", "veth", "peer", "name", made.far, "netns", made.name)
        ip("link", *ends)
        ip("addr", "add", f"{HERE}/29", "dev", made.near)
        ip("link", "set", made.near, "up")
        ip("-n", made.name, "addr", "add", f"{THERE}/29", "dev", made.far)
        ip("-n", made.name, "link", "set", made.far, "up")
        yield made
    finally:
        # The kernel keeps a namespace, and its cable, for connections that wait for an answer.
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "delete", made.near)
        ip("netns", "delete", made.name)


def within(name: str) -> tuple[str, ...]:
    """What stands before a command that is to run in that namespace."""
    return ("ip", "netns", "exec", name)


@contextlib.contextmanager
def far_endpoint(*options: str) -> Iterator[Far]:
    """``tailrace simulate`` with these options, in a namespace."""
    with cable() as made:
        # A neighbour that is known and is not there: what is sent to it is lost without a word.
        ip("neigh", "add", NOBODY, "lladdr", "02:00:00:00:00:03", "dev", made.near)
        with serving(THERE, *options, before=within(made.name)) as port:
            yield Far(THERE, port, f"http://{NOBODY}:{port}/v1")


class Narrow(NamedTuple):
    """A namespace with few local ports, and the URL of an endpoint in it."""

    name: str
    url: str

    def tailrace(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command in it."""
        return subprocess.run(
            [*within(self.name), sys.executable, "-m", "tailrace", *arguments],
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
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        given = f"echo {first} {first + ports - 1} > /proc/sys/net/ipv4/ip_local_port_range"
        with serving("127.0.0.1", *options, before=within(name)) as port:  # its own port is one
            ip("netns", "exec", name, "sh", "-c", given)
            yield Narrow(name, f"http://127.0.0.1:{port}/v1")
    finally:
        ip("netns", "delete", name)


@contextlib.contextmanager
def serving(host: str, *options: str, before: Sequence[str] = ()) -> Iterator[int]:
    """``tailrace simulate`` at a port of that address."""
    command = [*before, sys.executable, "-m", "tailrace", "simulate"]
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
