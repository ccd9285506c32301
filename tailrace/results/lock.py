"""Lock: who is writing into a run's folder. All its writers share it; a resumption wants it alone.

The system gives the lock back when a process ends, however it ends, so it can never be stale. On
Windows, which has no shared locks, the first of a run's processes holds ``.lock`` for all of them.
Where a file system has no locks (some network drives) nothing is held back.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from tailrace.errors import UsageError

PATIENCE_S = 5.0
"""Workers of a killed run go on for two seconds until they notice."""


class Lock:
    """Held from its making until ``release``, or the end of the process."""

    def __init__(self, folder: Path, *, alone: bool = False) -> None:
        """Raises UsageError when it is to be held alone and others do not let it go."""
        self._file: int | None = None
        if sys.platform != "win32":
            self._file = os.open(folder, os.O_RDONLY)
        elif alone:
            self._file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
        deadline = time.monotonic() + PATIENCE_S
        while not self._try(alone):
            if time.monotonic() > deadline:
                self.release()
                raise UsageError(
                    f"{str(folder)!r} is still being written by another process; wait for that run "
                    "to end, or stop it"
                )
            time.sleep(0.05)

    def _try(self, alone: bool) -> bool:
        if self._file is None:
            return True
        if sys.platform == "win32":
            import msvcrt

            with contextlib.suppress(OSError):
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
                return True
            return False
        import fcntl

        try:
            fcntl.flock(self._file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    @staticmethod
    def is_held(folder: Path) -> bool:
        """Whether somebody writes into a run's folder; True where the system cannot tell."""
        if sys.platform == "win32":
            return True
        lock = Lock.__new__(Lock)
        lock._file = os.open(folder, os.O_RDONLY)
        try:
            return not lock._try(alone=True)
        finally:
            lock.release()

    def share(self) -> None:
        """Let the other writers of this run in, and nobody else's resumption."""
        if sys.platform != "win32":
            self._try(alone=False)

    def release(self) -> None:
        """No longer held."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None
