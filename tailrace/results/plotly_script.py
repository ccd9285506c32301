"""Plotly's script, out of its package, for the one page that a report is.

The package is found and not imported: of its two hundred modules none is needed.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tailrace.errors import ResultError


@cache
def plotly_script() -> str:
    """Some 5 MB; raises ResultError where the package is not there or not whole."""
    spec = find_spec("plotly")
    places = [] if spec is None else spec.submodule_search_locations or []
    for place in places:
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise ResultError("report.html needs the script of the package plotly: pip install plotly")
