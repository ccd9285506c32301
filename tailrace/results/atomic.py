"""Atomic files: a name holds the old content or the new, whole, whenever the process dies.

Rule: nothing is written through a symbolic link at a file's own place, nor at its temporary one:
whoever could plant one there would choose what is overwritten. Nothing is writable for everybody,
whatever the umask allows.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tailrace.errors import ResultError

FOLDER_MODE = 0o775
_FILE_MODE = 0o664
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_LINK, _FILE_MODE)


def appending(path: Path, mode: str = "ab") -> Any:
    """The file open for appending, unbuffered; raises ResultError where a link stands there."""
    try:
        return open(path, mode, buffering=0, opener=_open)
    except OSError as exc:
        if exc.errno != errno.ELOOP:
            raise
        raise _is_link(path) from None


def own_folder(path: Path) -> None:
    """Make a folder where there is none; raises ResultError where a link stands there."""
    path.mkdir(FOLDER_MODE, exist_ok=True)
    if path.is_symlink():
        raise _is_link(path)


def _is_link(path: Path) -> ResultError:
    return ResultError(
        f"{str(path)!r} is a symbolic link, and nothing is written through one; move it away"
    )


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Any]:
    """A binary file that takes ``path``'s place when the block ends well, and else is gone."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # of a process that was killed; a link there goes, not its target
    try:
        with open(part, "xb", opener=_open) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _replace(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except PermissionError as exc:  # Windows keeps a file that another program has open
        raise ResultError(
            f"{str(path)!r} cannot be replaced: {exc.strerror}; close the program that has it "
            "open, then run `tailrace report` on its run folder"
        ) from None


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file whole."""
    with atomic(path) as file:
        file.write(data)
