"""requests-csv: one line a request, for spreadsheets. Pure.

Rule: as in summary.csv: units in the names, a BOM for Excel, empty where there is no value, and no
text can become a formula. Lists (the gaps) are left out: a cell cannot hold them; Parquet can.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tailrace.results.export.flat import TYPES
from tailrace.results.render.summary_csv import BOM, plain_cell

HEADER = tuple(name for name, kind in TYPES.items() if kind != "JSON" and not kind.endswith("[]"))


def requests_csv(requests: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The file, line by line, in UTF-8; each request as in flat.py."""
    yield (BOM + _line(HEADER)).encode()
    for line in requests:
        yield _line([_cell(line[name]) for name in HEADER]).encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return plain_cell(value) if isinstance(value, str) else value


def _line(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
