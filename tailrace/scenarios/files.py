"""Files: one that the user named, read whole. I/O.

``what`` is what asked for it, as an error says it before the path: ``--prompts file``.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from tailrace.errors import UsageError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BOM = codecs.BOM_UTF8


def read_bytes(path: str, what: str, *, mend: str = "") -> bytes:
    """A file's bytes; raises UsageError that names ``what``, the path, and how to ``mend`` it."""
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise UsageError(f"{what} {path!r} cannot be read: {exc.strerror}{mend}") from None


def read_text(path: str, what: str, *, mend: str = "", encoding: str = "utf-8") -> str:
    """A file's text; raises UsageError as ``read_bytes`` does, and where it is not UTF-8."""
    try:
        data = Path(path).read_bytes()
        if data.startswith(_UTF16):  # what PowerShell 5 writes with ">"
            return data.decode("utf-16").replace("\r\n", "\n")
        return data.removeprefix(_BOM).decode(encoding).replace("\r\n", "\n")
    except OSError as exc:
        raise UsageError(f"{what} {path!r} cannot be read: {exc.strerror}{mend}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what} {path!r} is not UTF-8 text") from None
