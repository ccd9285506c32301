"""Files: one that the user named, read whole. I/O.

``what`` is what asked for it, as an error says it before the path: ``--prompts file``.
"""

from __future__ import annotations

from pathlib import Path

from tailrace.errors import UsageError


def read_bytes(path: str, what: str, *, mend: str = "") -> bytes:
    """A file's bytes; raises UsageError that names ``what``, the path, and how to ``mend`` it."""
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise UsageError(f"{what} {path!r} cannot be read: {exc.strerror}{mend}") from None


def read_text(path: str, what: str, *, mend: str = "", encoding: str = "utf-8") -> str:
    """A file's text; raises UsageError as ``read_bytes`` does, and where it is not UTF-8."""
    try:
        return Path(path).read_text(encoding=encoding)
    except OSError as exc:
        raise UsageError(f"{what} {path!r} cannot be read: {exc.strerror}{mend}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} {path!r} is not UTF-8 text") from None
