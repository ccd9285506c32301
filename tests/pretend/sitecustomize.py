"""Makes a Python on Linux look like one on Windows or macOS to what is imported after this.

It is found on PYTHONPATH by each process that a test starts, and by their children. Libraries are
loaded before, as they are here; what then runs under the pretence is tailrace's own code: POSIX
modules are not there, nor is what else another system lacks, and the loop is asyncio's own.
"""

from __future__ import annotations

import os
import sys

PRETENDED = os.environ.get("TAILRACE_PRETEND", "")
_HIDDEN = {
    "win32": ("resource", "fcntl", "pwd", "grp", "termios", "tty", "uvloop"),
    "darwin": ("uvloop",),
}
_OS = {
    "win32": (
        *("fork", "killpg", "getpgid", "setsid", "waitid", "getloadavg", "sysconf", "getuid"),
        *("sched_getaffinity", "timerfd_create", "timerfd_settime_ns", "nice", "mkfifo"),
    ),
    "darwin": ("sched_getaffinity", "timerfd_create", "timerfd_settime_ns"),
}


def pretend(system: str) -> None:
    import asyncio
    import select
    import selectors
    import signal
    import socket

    _load_libraries()
    for name in _HIDDEN[system]:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in _OS[system]:
        if hasattr(os, name):
            delattr(os, name)
    selectors.DefaultSelector = selectors.SelectSelector  # type: ignore[misc, assignment]
    del select.epoll, socket.SO_REUSEPORT, socket.CMSG_SPACE
    if system == "win32":
        del signal.SIGHUP
        _windows(asyncio.SelectorEventLoop)
    sys.platform = system


def _load_libraries() -> None:
    import platform
    import ssl
    import tempfile
    import urllib.request

    import anyio._backends._asyncio
    import click
    import httpx
    import jinja2
    import msgspec
    import numpy
    import orjson
    import psutil
    import rich.console
    import rich.live
    import scipy.special
    import yaml

    del ssl, tempfile, urllib, anyio, click, httpx, jinja2, msgspec, numpy, orjson, psutil, rich
    del scipy, yaml
    platform.uname()


def _windows(loop: type) -> None:
    import asyncio
    import signal
    import subprocess
    import types

    def refuse(*_: object) -> None:
        raise NotImplementedError

    for name in ("add_signal_handler", "remove_signal_handler", "add_reader", "remove_reader"):
        setattr(loop, name, refuse)
    signal.SIGBREAK = signal.CTRL_BREAK_EVENT = signal.SIGUSR1  # type: ignore[attr-defined]
    subprocess.CREATE_NEW_PROCESS_GROUP = 0x200  # type: ignore[attr-defined]
    start = subprocess.Popen.__init__

    def popen(self: object, *args: object, creationflags: int = 0, **more: object) -> None:
        if more.get("start_new_session"):
            raise ValueError("start_new_session is POSIX's own")
        start(self, *args, start_new_session=bool(creationflags), **more)  # type: ignore[arg-type]

    subprocess.Popen.__init__ = popen  # type: ignore[method-assign, assignment]
    msvcrt = types.ModuleType("msvcrt")
    msvcrt.LK_NBLCK = 2  # type: ignore[attr-defined]
    msvcrt.locking = lambda fd, mode, size: None  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = msvcrt
    asyncio.get_event_loop_policy()


if PRETENDED:
    pretend(PRETENDED)
