"""Files: one that the user named, read whole. I/O.

``what`` is what asked for it, as an error says it before the path: ``--prompts file``.
"""

from __future__ import annotations

import codecs
import io
from pathlib import Path

from tailrace.errors import UsageError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_bytes(path: str, what: str, *, mend: str = "") -> bytes:
    """A file's bytes; raises UsageError that names ``what``, the path, and how to ``mend`` it."""
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise UsageError(f"{what} {path!r} cannot be read: {exc.strerror}{mend}") from None


def read_text(path: str, what: str, *, mend: str = "", encoding: str = "utf-8") -> str:
    """A file's text without its byte order mark, lines ended by LF.

    Raises UsageError as ``read_bytes`` does, and where it is not UTF-8 (or the UTF-16 with a mark
    that PowerShell 5 writes for ``>``).
    """
    data = read_bytes(path, what, mend=mend)
    if data.startswith(_UTF16):
        encoding = "utf-16"
    try:
        return io.TextIOWrapper(io.BytesIO(data.removeprefix(codecs.BOM_UTF8)), encoding).read()
    except UnicodeDecodeError:
        raise UsageError(f"{what} {path!r} is not UTF-8 text") from None
