"""Guard: a small process that holds a model's server, so that the server never outlives the run.

``python guard.py COMMAND…`` starts the command in a process group of its own and waits for it. When
its standard input closes, which is what happens when the run ends, however it ends, it ends that
group: asks, waits, insists. Meanwhile it looks at the memory of the group's processes; its last act
is one JSON line on standard output, the footprint. The command's own output goes to standard error.
It ends with the command's own code.

Why a process: after a ``kill -9`` nobody else is left to do it, and a forgotten server holds
gigabytes of which the next load test knows nothing. And looking at processes takes milliseconds,
which a loop that stamps reads does not have. This file imports nothing of the package.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

GRACE_S = 10.0
"""From asking to insisting."""
CANNOT_START = 127
LOOK_S = 0.5
"""Between two looks at the memory."""
SOURCE = (
    f"psutil: resident memory of the server and its children, every {LOOK_S:g} s and at its end"
)

_ENDING = threading.Lock()
"""Held while the group is signalled or its number given back, so that it never is another's."""


def own_group() -> dict[str, Any]:
    """Options of Popen for a child in a process group of its own, deaf to the terminal's Ctrl-C."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def be_deaf() -> None:
    """Let no signal end this process but the one that nobody can refuse.

    Who stops a service (systemd) signals every process of it. A helper ends by itself, in good
    order, when the process that it helps does.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def main(command: Sequence[str]) -> int:
    """Hold the command until it ends or standard input does; returns its code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, **own_group()
        )
    except OSError as exc:
        print(f"{command[0]}: {exc.strerror or exc}", file=sys.stderr, flush=True)
        return CANNOT_START
    be_deaf()  # not before: a command would inherit it, and could not be asked to end
    ended = threading.Event()
    memory = Memory(child.pid)
    threading.Thread(target=_end_with_input, args=(child, ended, memory), daemon=True).start()
    threading.Thread(target=memory.watch, args=(ended,), daemon=True).start()
    _wait(child)
    with _ENDING:
        ended.set()
        _end_group(child, insist=True)  # what the command itself left behind
        code = child.wait()
    memory.tell()
    return code if code >= 0 else 128 - code


class Memory:
    """The most resident memory that a process and its children were seen to hold."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.peak_rss_bytes: int | None = None

    def watch(self, ended: threading.Event) -> None:
        """Look now and then until it has ended."""
        self.look()
        while not ended.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """Once; without psutil, or when it has ended, nothing is seen."""
        held = 0
        with contextlib.suppress(ImportError):
            import psutil

            with contextlib.suppress(psutil.Error):
                root = psutil.Process(self._pid)
                for process in (root, *root.children(recursive=True)):
                    with contextlib.suppress(psutil.Error):
                        held += process.memory_info().rss
        if held:
            self.peak_rss_bytes = max(held, self.peak_rss_bytes or 0)

    def tell(self) -> None:
        """Say it to whoever started the guard, if that is still there."""
        with contextlib.suppress(OSError):
            print(json.dumps({"peak_rss_bytes": self.peak_rss_bytes, "source": SOURCE}), flush=True)


def _wait(child: subprocess.Popen[bytes]) -> None:
    """Until it has ended, but leave its number taken, so that the group's stays its own."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    else:
        child.wait()


def _end_with_input(child: subprocess.Popen[bytes], ended: threading.Event, memory: Memory) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    memory.look()  # the last chance: however short its turn was, one look is behind the load
    for insist in (False, True):
        with _ENDING:
            if ended.is_set():
                return
            _end_group(child, insist=insist)
        ended.wait(GRACE_S)


def _end_group(child: subprocess.Popen[bytes], *, insist: bool) -> None:
    """Ask or force everything that the command started, by its number, to end."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL if insist else signal.SIGTERM)
    elif insist:
        tree = ["taskkill", "/T", "/F", "/PID", str(child.pid)]
        subprocess.run(tree, capture_output=True, check=False)
    else:
        with contextlib.suppress(OSError):
            child.send_signal(signal.CTRL_BREAK_EVENT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
