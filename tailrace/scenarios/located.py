"""Located: a JSON, YAML or TOML text as plain data, with the line of each key. Pure.

Rule: a message about a file names the line. The values come from each format's own parser; the
lines of JSON come from YAML's, which reads JSON as well and keeps its marks. A key that stands
twice is refused, because one of the two would be lost without a word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from tailrace.errors import UsageError

Path = tuple[str | int, ...]
"""Keys and list indexes, from the outermost."""

MOST_VALUES = 50_000
"""In a YAML file. Aliases of aliases make of ten lines more than a memory holds."""

_TOML_TABLE = re.compile(r"\s*(\[\[?)(.+?)\]\]?\s*(?:#.*)?")
_TOML_KEY = re.compile(r"\s*((?:[A-Za-z0-9_.-]|\"[^\"]*\"|'[^']*')+)\s*=")
_TOML_LONG = ('"""', "'''")


@dataclass(frozen=True, slots=True)
class Located:
    """A text that was read; ``name`` is the file's, as the user gave it."""

    name: str
    data: Any
    lines: dict[Path, int]

    def where(self, *path: str | int) -> str:
        """``models.json line 4``: the line of that key, or of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return f"{self.name} line {self.lines[path[:end]]}"
        return self.name


def located(text: str, name: str) -> Located:
    """Read a text by the suffix of its name; raises UsageError naming the file and the line."""
    read = _READERS.get(name.rpartition(".")[2].lower())
    if read is None:
        raise UsageError(f"{name!r} must end in .json, .yaml or .toml, to say what it is")
    try:
        return read(text, name)
    except RecursionError:
        raise UsageError(f"{name} is nested too deeply to be read; make it flatter") from None


def _json(text: str, name: str) -> Located:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise UsageError(f"{name} line {exc.lineno} is not JSON: {exc.msg}") from None
    import yaml

    try:
        node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return Located(name, data, {})
    return Located(name, data, dict(_marks(node, name)))


def _yaml(text: str, name: str) -> Located:
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        marks = list(islice(_marks(node, name), MOST_VALUES + 1))
        if len(marks) > MOST_VALUES:
            raise UsageError(
                f"{name} stands for more than {MOST_VALUES} values, which its aliases (*) repeat; "
                "write it with fewer of them"
            )
        return Located(name, yaml.safe_load(text), dict(marks))
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = "" if mark is None else f" line {mark.line + 1}"
        raise UsageError(f"{name}{line} is not YAML: {exc.problem}") from None
    except (yaml.YAMLError, ValueError) as exc:
        raise UsageError(f"{name} is not YAML: {str(exc).splitlines()[0]}") from None


def _marks(node: Any, name: str, path: Path = (), seen: tuple[int, ...] = ()) -> Iterator[Any]:
    """(path, line) of everything below a YAML node; an anchor inside itself is not followed."""
    import yaml

    if node is None or id(node) in seen:
        return
    seen = (*seen, id(node))
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _marks(item, name, (*path, index), seen)
    elif isinstance(node, yaml.MappingNode):
        met: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            text = str(key.value)
            if text in met:
                raise UsageError(f"{name} line {line}: {text!r} stands twice; keep one of them")
            met.add(text)
            yield from _marks(value, name, (*path, text), seen)
            yield (*path, text), line


def _toml(text: str, name: str) -> Located:
    try:
        data = tomllib.loads(text)
    except ValueError as exc:  # tomllib.TOMLDecodeError is one; a number may be too long
        raise UsageError(f"{name} is not TOML: {exc}") from None
    lines: dict[Path, int] = {(): 1}
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in _toml_lines(text):
        if match := _TOML_TABLE.fullmatch(line):
            *outer, last = _toml_path(match[2]) or ("",)
            table = (*_within(tuple(outer), counts), last)
            if match[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif match := _TOML_KEY.match(line):
            lines.setdefault((*table, *_toml_path(match[1])), number)
    return Located(name, data, lines)


def _toml_lines(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines, without the insides of long texts, which may look like keys."""
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        yield number, line.rstrip("\r")
        inside = next((mark for mark in _TOML_LONG if line.count(mark) % 2), "")


def _within(path: Path, counts: dict[Path, int]) -> Path:
    """The path with the index of the newest entry behind each list of tables in it."""
    found: Path = ()
    for name in path:
        found = (*found, name)
        if found in counts:
            found = (*found, counts[found])
    return found


def _toml_path(key: str) -> Path:
    """A dotted key as TOML's own parser understands it; empty for what only looks like one."""
    try:
        data: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    path: Path = ()
    while isinstance(data, dict):
        ((name, data),) = data.items()
        path = (*path, name)
    return path


_READERS = {"json": _json, "toml": _toml, "yaml": _yaml, "yml": _yaml}
