"""Plotly's script, out of its package, for the one page that a report is.

Rule: the package is found and not imported: of its two hundred modules none is needed. The script,
5 MB, goes from file to file and is never held: it would be a fifth of a run's memory.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from tailrace.errors import ResultError


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
    """Write a page with the script in the place of the mark, if it has one."""
    before, found, after = page.partition(mark)
    out.write(before.encode())
    if found:
        with _path().open("rb") as file:
            shutil.copyfileobj(file, out)
    out.write(after.encode())
