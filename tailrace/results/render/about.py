"""About: what was run, and where, as pairs of label and text for the head of every report. Pure.

Rule: a report travels further than its run, so credentials in a URL and values under names that
mean a secret are hidden here, whatever the scenario holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.render.text import safe_text

VALUE_LIMIT = 400
"""Characters of one value that a report repeats."""
Pairs = list[tuple[str, str]]

_SECRET = re.compile(
    r"(?:^|[._-])(?:api[_-]?key|authorization|bearer|cookie|password|secret|token)$", re.I
)
_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")

_HEAD: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("loop", "engine", ("loop",)),
    ("transport", "engine", ("transport",)),
    ("proxy", "engine", ("proxy",)),
    ("tls", "engine", ("tls",)),
    ("stamps", "engine", ("stamps",)),
    ("max_tokens", "scenario", ("max_tokens",)),
    ("nonce", "scenario", ("nonce",)),
    ("seed", "scenario", ("seed",)),
)


def tool(facts: RunFacts) -> str:
    """``tailrace 0.1.0``."""
    name = value_text(facts.tool.get("name", "tailrace"))
    return f"{name} {value_text(facts.tool.get('version', ''))}".strip()


def url(facts: RunFacts) -> str | None:
    """The target, if the scenario names one."""
    return _find(facts.scenario, ("url", "base_url"))


def head(facts: RunFacts) -> Pairs:
    """The settings without which no figure means anything, in one short list."""
    pairs = []
    for label, place, names in _HEAD:
        text = _find(getattr(facts, place), names)
        if text is not None:
            pairs.append((label, text))
    return pairs


def run_pairs(facts: RunFacts) -> Pairs:
    """Name, time, tool, engine, every key of the scenario, the tags of its models, their loads."""
    pairs = [
        ("name", safe_text(facts.name)),
        ("started", safe_text(facts.started_at)),
        ("ended", facts.ended or "no"),
        ("tool", tool(facts)),
    ]
    levels = [_told(level) for level in facts.scenario.get("levels", ())]
    scenario = facts.scenario | ({"levels": levels} if levels else {})
    scenario.pop("entries", None)  # of which the tags say everything
    tags = {model.model: model.tags for model in facts.models if model.tags}
    extra = {key: value for key, value in facts.tool.items() if key not in ("name", "version")}
    pairs += flat(extra, "tool") + flat(facts.engine, "engine") + flat(scenario)
    loads = {m.model: m.steps_s["load"] for m in facts.models if "load" in m.steps_s}
    spoken = {m.model: f"{m.dialect} ({m.dialect_from})" for m in facts.models if m.dialect}
    return pairs + flat(spoken, "dialect") + flat(tags, "tags") + flat(loads, "load_s")


def _told(level: Any) -> Any:
    """A level without what it leaves open."""
    if not isinstance(level, Mapping):
        return level
    return {key: value for key, value in level.items() if value is not None}


def host_pairs(facts: RunFacts) -> Pairs:
    """The fingerprint of the machine that made the load."""
    return flat(facts.host)


def flat(data: Mapping[str, Any], prefix: str = "") -> Pairs:
    """Nested mappings as one list with dotted keys, in the order of the input."""
    return [
        (safe_text(key), "(hidden)" if _is_secret(key, value) else value_text(value))
        for key, value in _leaves(data, prefix)
    ]


def value_text(value: Any) -> str:
    """Any JSON value on one line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(item) for item in value) or "none"
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return _USERINFO.sub("", safe_text(value, VALUE_LIMIT))


def _is_secret(key: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and _SECRET.search(key) is not None


def _leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, name)
        elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            yield from _leaves({str(index): item for index, item in enumerate(value)}, name)
        else:
            yield name, value


def _find(data: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The value under one of these names, the least nested first."""
    found = [(key, value) for key, value in _leaves(data) if key.rsplit(".", 1)[-1] in names]
    if not found:
        return None
    return value_text(min(found, key=lambda pair: pair[0].count("."))[1])
