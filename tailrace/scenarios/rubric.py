"""Rubric: the facets that an answer is scored on, from 1 to 5, by people or by a judge. Pure.

A rubric file (TOML or JSON) names them and says what each asks:

    [facets]
    accuracy = "What it says is true, and nothing is made up."

A prompt may name its own facets; else all those of the file are taken. A facet's name becomes a
column of a spreadsheet and a key of the judge's JSON: a plain name, and none of theirs.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from tailrace.errors import UsageError

LOWEST, HIGHEST = 1, 5
MOST_FACETS = 20
MOST_ABOUT_CHARS = 1_000

Facets = Mapping[str, str]
"""Name -> what it asks, in the order of the file; the text may be empty."""

_NAME = re.compile(r"[^\W_][\w -]{0,39}")
_TAKEN = frozenset(
    {"model", "prompt", "request", "text", "note", "annotator", "state", "text_sha256"}
)
_EXAMPLE = 'accuracy = "What it says is true."'


def rubric_from(text: str, name: str) -> Facets:
    """The facets of a file's text; raises UsageError naming file, line and field."""
    data = _data(text, name)
    if not isinstance(data, Mapping):
        raise UsageError(f"{name} line 1 is a {_kind(data)}; write a table [facets] in it")
    if unknown := [str(key) for key in data if key != "facets"]:
        where = _where(text, name, unknown[0])
        raise UsageError(f"{where}, field {unknown[0]!r}: unknown; a rubric has only 'facets'")
    table = data.get("facets")
    if not isinstance(table, Mapping):
        given = "is missing" if table is None else f"is a {_kind(table)}"
        raise UsageError(
            f"{_where(text, name, 'facets')}, field 'facets': {given}; write a table of names and "
            f"what each asks, like {_EXAMPLE}"
        )
    for facet, about in table.items():
        where = f"{_where(text, name, facet)}, field {'facets.' + facet!r}"
        checked([facet], where)
        if not isinstance(about, str) or len(about) > MOST_ABOUT_CHARS:
            raise UsageError(
                f"{where}: must be a text of at most {MOST_ABOUT_CHARS} characters that says what "
                f"it asks, not {_kind(about)}"
            )
    checked(list(table), f"{_where(text, name, 'facets')}, field 'facets'")
    return {facet: " ".join(about.split()) for facet, about in table.items()}


def _data(text: str, name: str) -> Any:
    """TOML or JSON, by the name's suffix."""
    text = text.removeprefix("\ufeff")
    suffix = name.strip("'\"").rpartition(".")[2].lower()
    if suffix not in ("toml", "json"):
        raise UsageError(f"{name} must end in .toml or .json, to say what it is")
    try:
        return tomllib.loads(text) if suffix == "toml" else json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as exc:
        raise UsageError(f"{name} line {exc.lineno} is not JSON: {exc.msg}") from None
    except tomllib.TOMLDecodeError as exc:  # it names the line itself
        raise UsageError(f"{name} is not TOML: {exc}") from None
    except RepeatedError as exc:
        raise UsageError(f"{_where(text, name, exc.key)}, field {exc.key!r}: {exc}") from None
    except RecursionError:
        raise UsageError(f"{name} line 1 is nested too deeply for a rubric") from None


class RepeatedError(ValueError):
    """A key that stands in a JSON object twice: which one is meant cannot be known."""

    def __init__(self, key: str) -> None:
        super().__init__("it stands there twice; drop one")
        self.key = key


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys all differ."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedError(key)
        found[key] = value
    return found


def _where(text: str, name: str, key: str) -> str:
    """``rubric.toml line 4``: the last line that begins with the key, else the first line."""
    begins = re.compile(rf"\s*[\[{{]*\s*[\"']?{re.escape(key)}[\"']?\s*[=:\]]")
    found = [number for number, line in enumerate(text.splitlines(), 1) if begins.match(line)]
    return f"{name} line {found[-1] if found else 1}"


def _kind(value: Any) -> str:
    names = {dict: "table", list: "list", str: "text", bool: "truth value", type(None): "nothing"}
    return names.get(type(value), "number" if isinstance(value, int | float) else "date")


def checked(names: Sequence[str], what: str) -> tuple[str, ...]:
    """The same names, if they can be facets; ``what`` says where they stand."""
    for name in names:
        if not _NAME.fullmatch(name) or name != name.strip():
            raise UsageError(
                f"{what}: {name[:60]!r} cannot be a facet; write a short name of letters, digits, "
                "spaces and dashes, like accuracy"
            )
        if name.lower() in _TAKEN:
            raise UsageError(f"{what}: {name!r} is the name of another column; call it otherwise")
    if len({name.lower() for name in names}) != len(names):
        raise UsageError(f"{what}: a facet is named twice in {', '.join(names)}")
    if not 1 <= len(names) <= MOST_FACETS:
        raise UsageError(f"{what}: name 1 to {MOST_FACETS} facets, not {len(names)}")
    return tuple(names)


def facets_for(own: Sequence[str], rubric: Facets, prompt: str) -> tuple[str, ...]:
    """The facets of one prompt: its own, else all of the rubric."""
    return checked(own, f"the facets of prompt {prompt!r}") if own else tuple(rubric)


def union(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Every facet once, in the order of its first mention."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def asks(names: Sequence[str], rubric: Facets) -> dict[str, str]:
    """What each of some facets asks; empty for one that the rubric does not know."""
    return {name: rubric.get(name, "") for name in names}


def fingerprint(facets: Facets) -> str:
    """Of what was asked: a judge that was asked otherwise is asked again."""
    return sha256(json.dumps(dict(facets), sort_keys=True).encode()).hexdigest()[:16]


def rubric_json(facets: Facets) -> str:
    """The file that says it, as JSON."""
    return json.dumps({"facets": dict(facets)}, ensure_ascii=False, indent=2) + "\n"
