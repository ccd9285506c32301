"""Schemas: JSON Schema (2020-12) of run.json, requests.jsonl and result.json. Pure.

Rule: those of ``run`` and ``requests`` are made from the very types that write the files, with
their own docstrings, so a field that is added is in its schema at once. That of ``result`` is in
result_schema.py by hand. Objects take no key that the schema does not have.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Literal

import msgspec

from tailrace.results.facts import (
    Books,
    ModelFacts,
    Resumption,
    RunFacts,
    StageFacts,
)
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.result_schema import RESULT
from tailrace.results.schema import RUN_SCHEMA, Row
from tailrace.results.session_facts import SessionBooks
from tailrace.results.spread import Spread
from tailrace.results.stamp_facts import StampFacts

Name = Literal["run", "requests", "result"]
NAMES: tuple[Name, ...] = ("run", "requests", "result")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PARTS = (
    *(RunFacts, ModelFacts, StageFacts, Books, StampFacts, Spread, PulseFacts, SessionBooks),
    *(Resumption, Row),
)
_UNITS = {"_ns": "nanoseconds", "_s": "seconds", "_bytes": "bytes", "_ppm": "parts per million"}


def published(name: Name) -> dict[str, Any]:
    """The schema of one of the files; of ``requests`` it is that of a single line."""
    body = _run() if name == "run" else _requests() if name == "requests" else RESULT
    return {"$schema": DIALECT, "$id": f"tailrace:{name}-1.schema.json"} | body


def _requests() -> dict[str, Any]:
    body = dict(_components(Row)["Row"])
    return body | {"title": "A line of requests.jsonl"}


def _run() -> dict[str, Any]:
    parts = _components(RunFacts)
    body = dict(parts.pop("RunFacts"))
    body["properties"] = (
        {"schema": {"const": RUN_SCHEMA}} | body["properties"] | {"verdict": _VERDICT}
    )
    body["required"] = ["schema", *body["required"], "verdict"]
    return body | {"title": "run.json", "$defs": parts}


_VERDICT = {
    "description": "Whether the figures can be believed; null while the run goes on.",
    "type": ["object", "null"],
    "properties": {
        "valid": {"type": "boolean", "description": "False too where another tool measured."},
        "reasons": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What breaks trust in the figures, one sentence each.",
        },
        "notes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What a reader must know, one sentence each.",
        },
    },
    "required": ["valid", "reasons", "notes"],
    "additionalProperties": False,
}


def _components(kind: type) -> dict[str, dict[str, Any]]:
    """Each type's schema by its name, with the docstrings of its fields, closed."""
    _, parts = msgspec.json.schema_components([kind])
    documented = {part.__name__: part for part in _PARTS}
    for name, part in parts.items():
        told = _docstrings(documented[name]) if name in documented else {}
        part["description"] = inspect.cleandoc(part["description"])
        part["additionalProperties"] = False
        for field, schema in part["properties"].items():
            schema.setdefault("description", told.get(field) or _plain(field))
    return parts


def _docstrings(part: type) -> dict[str, str]:
    """Field -> the text that stands below it in the source."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(field.target, ast.Name)
            assert isinstance(text.value, ast.Constant)
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _plain(field: str) -> str:
    """Of a field whose name says it all: the name in words, and its unit."""
    for end, unit in _UNITS.items():
        if field.endswith(end):
            return f"{field.removesuffix(end).replace('_', ' ').capitalize()}, in {unit}."
    return f"{field.replace('_', ' ').capitalize()}."
