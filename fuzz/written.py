"""Written: an input as a file on disk, and the law of every reader of files.

A file is read, or refused with one sentence that names it.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tailrace.errors import ResultError, UsageError


@cache
def scratch() -> Path:
    """This process's folder, in memory where the system has such; gone when the process ends."""
    memory = Path("/dev/shm")
    folder = Path(mkdtemp(dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def refused_or_read(read: Callable[[str], object], data: bytes, name: str) -> None:
    """``read`` a file of that name; a name that begins with a dot is only an ending."""
    path = scratch() / (f"input{name}" if name.startswith(".") else name)
    path.write_bytes(data)
    sentence_or(lambda: read(str(path)))


def sentence_or(read: Callable[[], object]) -> None:
    """What is refused is refused in one line that names a file of the scratch folder."""
    try:
        read()
    except (UsageError, ResultError) as exc:
        message = str(exc)
        assert str(scratch()) in message, f"names no file: {message!r}"
        assert len(message.splitlines()) == 1, f"not one line: {message!r}"
