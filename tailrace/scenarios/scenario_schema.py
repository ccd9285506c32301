"""The JSON schema of scenario files (draft 2020-12), for editors that complete and check. Pure.

It is made from the same keys that the files are read by, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.scenarios.keys import Key
from tailrace.scenarios.scenario_file import LEVEL_NAMES, LOADS, PHASE_KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(keys: Mapping[str, Key]) -> dict[str, Any]:
    """For a file with these keys; its keys are spelled with dashes."""
    level_keys = {name: keys[name] for name in LEVEL_NAMES if name in keys}
    properties: dict[str, Any] = {"$schema": {"type": "string"}}
    properties |= {name: property_of(key) for name, key in keys.items()}
    properties["levels"] = {
        "description": "Load levels one after another, each with its own bounds; the keys beside "
        "it hold for those that do not set them.",
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/level"},
    }
    properties["phases"] = {"$ref": "#/$defs/phases"}
    return {
        "$schema": DIALECT,
        "title": "tailrace scenario",
        "description": "What `tailrace run FILE` is to do; each key is the option of that name.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "allOf": [_not_both((*(name for name in LOADS if name in keys), "levels", "phases"))],
        "$defs": {"level": _level(level_keys), "phases": _phases()},
    }


def property_of(key: Key) -> dict[str, Any]:
    """One key's own schema."""
    one = _one(key)
    if key.many:
        one = {"anyOf": [one, {"type": "array", "items": one}]}
    described = {"description": key.about or f"Takes {key.takes}."}
    default = {} if key.default is None or key.many else {"default": key.default}
    return described | one | default


def _one(key: Key) -> dict[str, Any]:
    if key.kind == "flag":
        return {"type": "boolean"}
    if key.kind == "choice":
        return {"enum": list(key.choices)}
    if key.kind in ("integer", "number"):
        least = "exclusiveMinimum" if key.above_least else "minimum"
        bounds = {least: key.least, "maximum": key.most}
        return {"type": key.kind} | {name: at for name, at in bounds.items() if at is not None}
    types = ["string"]
    types += ["number"] if "number" in key.forms else []
    types += ["object"] if "object" in key.forms else []
    text: dict[str, Any] = {"type": types if len(types) > 1 else "string"}
    if "list" not in key.forms:
        return text
    items = {"type": ["string", "number"]}
    return {"anyOf": [text, {"type": "array", "minItems": 1, "items": items}]}


def _level(keys: Mapping[str, Key]) -> dict[str, Any]:
    properties = {name: property_of(key) for name, key in keys.items()}
    for entry in properties.values():
        entry.pop("default", None)  # what is left out is taken over from outside the level
    loads = (*(name for name in LOADS if name in keys), "phases")
    return {
        "type": "object",
        "properties": properties | {"phases": {"$ref": "#/$defs/phases"}},
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in loads],
    }


def _phases() -> dict[str, Any]:
    properties = {name: property_of(key) for name, key in PHASE_KEYS.items()}
    flat = {"required": ["rate"], "properties": {"from": False, "to": False, "steps": False}}
    ramp = {"required": ["from", "to", "duration"], "properties": {"rate": False}}
    return {
        "description": "Rates of one level, one after another.",
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "oneOf": [flat, ramp],
        },
    }


def _not_both(names: tuple[str, ...]) -> dict[str, Any]:
    """At most one of these keys."""
    others = [
        {"not": {"required": [one, other]}}
        for index, one in enumerate(names)
        for other in names[index + 1 :]
    ]
    return {"allOf": others}
