"""Plugin prompts: ``--prompts plugin:NAME?key=value&…``, records that an installed package makes.

What the entry point of the group ``tailrace.datasets`` points to is called with the keys as
arguments, values as JSON or else as texts; it returns an iterable of records as a prompt file has
them. Each worker calls it for itself, so it must give the same records each time: their hash is
compared, as a file's is. Runs foreign code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson

from tailrace.errors import UsageError
from tailrace.plugins import plugin, plugin_names
from tailrace.scenarios.model_fields import SECRET
from tailrace.scenarios.records import Record

PREFIX = "plugin:"
GROUP: Literal["tailrace.datasets"] = "tailrace.datasets"
MOST_RECORDS = 1_000_000


def plugin_records(text: str, where: str) -> tuple[list[Record], bytes]:
    """The records, and the bytes to tell them by; raises UsageError that begins with ``where``."""
    name, _, query = text.removeprefix(PREFIX).partition("?")
    options = dict(_options(query, where))
    try:
        make = plugin(GROUP, name)
    except KeyError:
        known = ", ".join(map(repr, plugin_names(GROUP))) or "none"
        raise UsageError(
            f"{where}: no installed package has a dataset {name!r} (there are: {known})"
        ) from None
    values = _values(make, options, where)
    if len(values) > MOST_RECORDS:
        raise UsageError(f"{where} gives more than {MOST_RECORDS} records; make it end before that")
    records = [Record(f"{where} record {n}", value) for n, value in enumerate(values, 1)]
    return records, b"\n".join(map(_encoded, records))


def _options(query: str, where: str) -> Iterator[tuple[str, Any]]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise UsageError(f"{where} is not written plugin:NAME?key=value&key=value") from None
    seen: set[str] = set()
    for key, value in pairs:
        if not key.isidentifier():
            raise UsageError(f"{where}: {key!r} is no name of an argument; write key=value")
        if key in seen:
            raise UsageError(f"{where} gives {key!r} twice; leave one out")
        if SECRET.search(key):
            raise UsageError(
                f"{where} holds what looks like a secret ({key}) and would be kept in run.json; "
                "have the dataset read it from the environment"
            )
        seen.add(key)
        try:
            yield key, orjson.loads(value)
        except orjson.JSONDecodeError:
            yield key, value


def _values(make: Any, options: dict[str, Any], where: str) -> list[Any]:
    """What it gives, one more than may be at most."""
    try:
        made = make(**options)
        if isinstance(made, (str, bytes, dict)) or not isinstance(made, Iterable):
            raise TypeError(f"it returned {type(made).__name__}, not an iterable of records")
        return list(islice(made, MOST_RECORDS + 1))
    except Exception as exc:  # whatever the plugin's own code raises
        raise UsageError(f"{where} cannot be made: {type(exc).__name__}: {exc}") from exc


def _encoded(record: Record) -> bytes:
    try:
        return orjson.dumps(record.value)
    except TypeError as exc:
        raise UsageError(f"{record.where} is not JSON: {exc}; give texts, numbers, lists") from None
