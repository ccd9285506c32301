"""Atomic files: a name holds the old content or the new, whole, whenever the process dies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tailrace.errors import ResultError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Any]:
    """A binary file that takes ``path``'s place when the block ends well, and else is gone."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
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
