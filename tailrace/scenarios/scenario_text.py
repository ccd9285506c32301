"""The text of a new scenario file: one that runs as it is, with every other key in comments. Pure.

It is written from the keys, so that it names each option that there is, with its help. JSON has no
comments: there only the keys that are set stand.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tailrace.scenarios.keys import Key

FORMATS = ("toml", "yaml", "json")

STARTER: Mapping[str, Any] = {
    "url": "http://127.0.0.1:8080/v1",
    "model": ["auto"],
    "concurrency": [1, 2, 4, 8],
    "duration": "30s",
    "warmup": "5s",
    "max-tokens": 64,
}
"""What a new file sets."""

_HEAD = (
    "A tailrace scenario. Run it:  tailrace run {name}",
    "Keys are the options of `tailrace run`; a flag or a variable beats what stands here.",
    "Commented keys show their default, or how they are written. `tailrace schema` is the schema.",
)
_LEVELS = {
    "toml": (
        "Levels with bounds of their own, instead of concurrency or rate (last in the file):",
        "[[levels]]",
        "concurrency = 8",
        'duration = "1m"',
        "[[levels]]",
        'phases = [{ rate = 10, duration = "30s" }, { from = 10, to = 50, duration = "1m" }]',
    ),
    "yaml": (
        "Levels with bounds of their own, instead of concurrency or rate:",
        "levels:",
        "  - concurrency: 8",
        "    duration: 1m",
        "  - phases:",
        "      - {rate: 10, duration: 30s}",
        "      - {from: 10, to: 50, duration: 1m}",
    ),
}


def new_text(keys: Mapping[str, Key], form: str, name: str) -> str:
    """A scenario in that format, for a file of that name."""
    if form == "json":
        return orjson.dumps(dict(STARTER), option=orjson.OPT_INDENT_2).decode() + "\n"
    lines = [f"# {line}" for line in (text.format(name=name) for text in _HEAD)]
    for key in sorted(keys.values(), key=lambda key: key.name not in STARTER):
        lines += ["", *_entry(key, form)]
    return "\n".join([*lines, "", *(f"# {line}" for line in _LEVELS[form])]) + "\n"


def _entry(key: Key, form: str) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(key.about or f"Takes {key.takes}.", 96))
    value = STARTER.get(key.name)
    mark = "" if value is not None else "#"
    equals = " = " if form == "toml" else ": "
    if value is not None or key.default is not None:
        value = key.default if value is None else value
        yield f"{mark}{key.name}{equals}{orjson.dumps(value).decode()}"
    else:
        yield f"{mark}{key.name}{equals}{_sketch(key)}"


def _sketch(key: Key) -> str:
    """How a value is written, where there is no default to show."""
    if key.kind == "flag":
        return "true"
    if key.kind == "choice":
        return orjson.dumps(key.choices[0]).decode()
    if key.kind in ("integer", "number"):
        return str(int(key.least or 1))
    text = orjson.dumps(key.hint or "…").decode()
    return f"[{text}]" if key.many else text
