"""Parquet: ``requests.parquet``, one row a request, and ``gaps.parquet``, one row a gap.

Rule: columns and their meaning are those of ``tailrace query``; each column's unit is in its name
and in its metadata. Written in groups of rows, so that memory does not grow with the run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from tailrace.errors import UsageError
from tailrace.results.atomic import atomic
from tailrace.results.export.flat import TYPES
from tailrace.results.query_schema import GAPS_TAKE

GROUP = 8192
"""Requests a group of rows."""


def write_parquet(lines: Iterator[dict[str, Any]], folder: Path) -> list[Path]:
    """Write both files into a folder; each line is a request, see flat.py. Returns their paths.

    Raises UsageError where pyarrow is not installed.
    """
    pa, pq = _pyarrow()
    paths = [folder / "requests.parquet", folder / "gaps.parquet"]
    of_requests = _schema(pa, TYPES)
    gap_types = {name: TYPES[name] for name in GAPS_TAKE} | {"gap_ns": "BIGINT", "place": "BIGINT"}
    of_gaps = _schema(pa, gap_types)
    with (
        atomic(paths[0]) as requests_file,
        atomic(paths[1]) as gaps_file,
        pq.ParquetWriter(requests_file, of_requests, compression="zstd") as requests,
        pq.ParquetWriter(gaps_file, of_gaps, compression="zstd") as gaps,
    ):
        while group := list(itertools.islice(lines, GROUP)):
            gap_lines = list(_gaps(group))
            for line in group:  # a column of Arrow cannot hold what has any keys
                line["tool_calls"] = _json(line["tool_calls"])
            requests.write_table(pa.Table.from_pylist(group, schema=of_requests))
            gaps.write_table(pa.Table.from_pylist(gap_lines, schema=of_gaps))
    return paths


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed: pip install 'tailrace[data]'"
        ) from None
    return pyarrow, pyarrow.parquet


def _gaps(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        own = {name: line[name] for name in GAPS_TAKE}
        for place, gap_ns in enumerate(line["gaps_ns"], 1):
            yield own | {"gap_ns": gap_ns, "place": place}


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _schema(pa: Any, types: dict[str, str]) -> Any:
    simple = {
        "BIGINT": pa.int64(),
        "VARCHAR": pa.string(),
        "JSON": pa.string(),
        "BOOLEAN": pa.bool_(),
        "DOUBLE": pa.float64(),
    }
    fields = []
    for name, kind in types.items():
        arrow = pa.list_(simple[kind[:-2]]) if kind.endswith("[]") else simple[kind]
        unit = _unit(name)
        fields.append(pa.field(name, arrow, metadata={"unit": unit} if unit else None))
    return pa.schema(fields, metadata={"tailrace.schema": "tailrace.requests/1"})


def _unit(name: str) -> str | None:
    units = {"_ns": "ns", "_s": "s", "_bytes": "bytes", "_tokens": "tokens"}
    return next((unit for end, unit in units.items() if name.endswith(end)), None)
