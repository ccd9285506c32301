"""A server in a process of its own, which a test ends, stops and starts again on the same port."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command import ROOT

UP_WITHIN_S = 30.0


class Program:
    """Started by ``start``; its port stays the same."""

    def __init__(self, script: str, *arguments: str) -> None:
        """``script`` lies below ``tests``; PORT among the arguments is replaced by the port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        given = [str(self.port) if word == "PORT" else word for word in arguments]
        self._command = [sys.executable, str(ROOT / "tests" / script), *given]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when it listens."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        until = time.monotonic() + UP_WITHIN_S
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self._command} does not listen")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        """Return when it has ended."""
        self.signal(number)
        assert self._process is not None
        self._process.wait(10)

    def kill(self) -> None:
        """Whatever state it is in."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@contextmanager
def running(program: Program) -> Iterator[Program]:
    program.start()
    try:
        yield program
    finally:
        program.kill()


def rows_in(folder: Path) -> int:
    """Requests of a run in that folder that have ended."""
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("requests*.jsonl"))


@contextmanager
def meanwhile(folder: Path, rows: int, *acts: Callable[[], object] | float) -> Iterator[None]:
    """In a thread: once a run in that folder has so many rows, do these; a number is seconds of
    waiting.
    """

    def act() -> None:
        until = time.monotonic() + 30
        while rows_in(folder) < rows and time.monotonic() < until:
            time.sleep(0.01)
        for one in acts:
            if isinstance(one, float):
                time.sleep(one)
            else:
                one()

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
