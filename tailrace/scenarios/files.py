"""Files: one that the user named, read whole. I/O.

``what`` is how the file is called in an error, like ``--prompts file 'p.json'``.
"""

from __future__ import annotations

from pathlib import Path

from tailrace.errors import UsageError


def bytes_of(path: str, what: str, advice: str = "") -> bytes:
    """The bytes; raises UsageError, with the advice behind it, where there are none to be had."""
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise UsageError(f"{what} cannot be read: {exc.strerror}{advice}") from None


def text_of(path: str, what: str, advice: str = "", encoding: str = "utf-8-sig") -> str:
    """The text; raises UsageError as ``bytes_of`` does, and where it is not UTF-8."""
    try:
        return Path(path).read_text(encoding=encoding)
    except OSError as exc:
        raise UsageError(f"{what} cannot be read: {exc.strerror}{advice}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} is not UTF-8 text") from None
