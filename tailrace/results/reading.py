"""Reading: a result file's bytes, or a sentence that names the file and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from tailrace.errors import ResultError


def read_bytes(path: Path) -> bytes:
    """All of it; raises ResultError."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ResultError(f"{str(path)!r} cannot be read: {exc.strerror}") from None


def read_json(path: Path) -> Any:
    """What the file says; raises ResultError."""
    return decoded(read_bytes(path), path)


def decoded(data: bytes, path: Path) -> Any:
    """What was read from there as JSON; raises ResultError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise ResultError(f"{str(path)!r} is not JSON: {exc}") from None
