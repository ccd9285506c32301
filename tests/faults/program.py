"""A server in a process of its own, which a test ends, stops and starts again on the same port."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def away(program: Program, after_s: float, by: signal.Signals) -> Iterator[None]:
    """In a thread: so long from now it is ended by that signal, and then started again."""

    def act() -> None:
        time.sleep(after_s)
        program.end(by)
        time.sleep(0.3)  # so that somebody finds the port closed
        program.start()

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join(UP_WITHIN_S)


@contextmanager
def frozen(program: Program, after_s: float, for_s: float) -> Iterator[None]:
    """In a thread: so long from now it is stopped, and goes on so much later."""

    def act() -> None:
        time.sleep(after_s)
        program.signal(signal.SIGSTOP)
        time.sleep(for_s)
        program.signal(signal.SIGCONT)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join(after_s + for_s + 5)
