"""Text that the command line names a file for, and the keys among it."""

from __future__ import annotations

from pathlib import Path

from tailrace.errors import UsageError


def read_text(path: str, what: str, *, mend: str = "", encoding: str = "utf-8") -> str:
    """A file's text; raises UsageError that names ``what`` asked for it, and how to ``mend`` it."""
    try:
        return Path(path).read_text(encoding=encoding)
    except OSError as exc:
        raise UsageError(f"{what} {path!r} cannot be read: {exc.strerror}{mend}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} {path!r} is not UTF-8 text") from None


def header_key(text: str, whose: str) -> str | None:
    """A key as a header carries it, None for none; raises UsageError for what no header can."""
    key = text.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"{whose} API key has characters that no HTTP header can carry")
    return key or None
