"""Parsing of what users type: durations, level lists, URLs, extra bodies. Pure.

Each function raises UsageError with one sentence that names what was typed and what would do.
"""

from __future__ import annotations

import re
from typing import Any

from tailrace.errors import UsageError
from tailrace.scenarios.urls import base_url as base_url  # noqa: PLC0414 - told as a part of this file

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|min|h)?")

MOST_USERS = 100_000
MOST_TOKENS = 10_000_000
"""Of one prompt, and of one answer."""
LONGEST_S = 366 * 86_400.0


def seconds(text: str, what: str) -> float:
    """``30s``, ``500ms``, ``2m``, ``1.5h`` or a plain number of seconds."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{what} {text!r} is not a duration; write it like 30s, 500ms or 2m")
    value = float(match[1]) * _UNITS[match[2] or "s"]
    if value > LONGEST_S:
        raise UsageError(f"{what} {_short(text)} is longer than a year")
    return value


def positive(text: str, what: str) -> float:
    """A duration in seconds that is longer than nothing."""
    value = seconds(text, what)
    if value <= 0:
        raise UsageError(f"{what} {text!r} must be longer than nothing")
    return value


def spread(text: str) -> tuple[str, bool]:
    """``2s`` or ``exp:2s``: the mean as it is written, and whether times are exponential."""
    return text.removeprefix("exp:"), text.startswith("exp:")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def levels(text: str, what: str = "--concurrency") -> tuple[int, ...]:
    """``1,2,4,8``: users at each level, in the order given."""
    found = []
    for part in text.split(","):
        try:
            users = int(part)
        except ValueError:
            raise UsageError(
                f"{what} {text!r} is not a list of whole numbers like 1,2,4,8"
            ) from None
        if not 1 <= users <= MOST_USERS:
            raise UsageError(
                f"{what} {users} is out of range: a level needs 1 to {MOST_USERS} users"
            )
        found.append(users)
    return tuple(found)


def json_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object, as for ``--extra-body``."""
    import orjson

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise UsageError(f"{what} is not JSON: {exc}") from None
    if not isinstance(value, dict):
        raise UsageError(f'{what} must be a JSON object like {{"top_p": 0.9}}')
    return value


def header(text: str, what: str = "--header") -> tuple[str, str]:
    """``Name: value``. The message never repeats the value."""
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise UsageError(f"{what} wants 'Name: value'")
    if re.search(r"[\r\n\0]", value):
        raise UsageError(f"{what} {name!r} has a line break in its value")
    return name, value


def header_key(text: str, whose: str) -> str | None:
    """A key as a header carries it, None for none; raises UsageError for what no header can."""
    key = text.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"{whose} API key has characters that no HTTP header can carry")
    return key or None
