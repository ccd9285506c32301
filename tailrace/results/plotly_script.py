"""Plotly's script, out of its package, for the one page that a report is.

Rule: the package is found and not imported: of its two hundred modules none is needed. The script,
5 MB, is packed to 2 MB of text (RFC 1950, RFC 4648) from file to file and is never held: it would
be a fifth of a run's memory.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from tailrace.errors import ResultError

_LEVEL = 4
"""Half the time of zlib's own choice, for four percent more."""
_PART_BYTES = 1 << 16


@cache
def _path() -> Path:
    spec = find_spec("plotly")
    places = [] if spec is None else spec.submodule_search_locations or []
    for place in places:
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path
    raise ResultError("report.html needs the script of the package plotly: pip install plotly")


@cache
def plotly_hash() -> str:
    """Base64 of its SHA-256; raises ResultError where the package is not there or not whole."""
    with _path().open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return base64.b64encode(digest).decode()


def write_page(out: BinaryIO, page: str, mark: str) -> None:
    """Write a page with the packed script in the place of the mark, if it has one."""
    before, found, after = page.partition(mark)
    out.write(before.encode())
    if found:
        for part in _base64(_packed()):
            out.write(part)
    out.write(after.encode())


def _packed() -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL)
    with _path().open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield packer.compress(part)
    yield packer.flush()


def _base64(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Three bytes are four letters: what is over waits for the next part."""
    rest = b""
    for part in parts:
        rest += part
        whole = len(rest) - len(rest) % 3
        yield base64.b64encode(rest[:whole])
        rest = rest[whole:]
    yield base64.b64encode(rest)
