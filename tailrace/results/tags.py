"""Tags: what is known of a model that no request can show: size, licence, price, device. Pure.

They come from a models file and are kept with the scenario in ``run.json``, one entry a model, in
the order of the models. A tag that is not there is not known, and nothing is put in its place.

Read here and there: ``size_mb`` on disk, ``rss_mb`` of the server, ``license``, ``variant``
(which build: quantisation, flags), ``price_in`` and ``price_out`` of a million tokens, ``watts``
while it answers, ``price_kwh``, ``currency``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tailrace.results.facts import ModelFacts, RunFacts


def tags_of(facts: RunFacts, model: ModelFacts) -> Mapping[str, Any]:
    """The tags of one model of a run: its own, else those of its entry; empty without any.

    The memory that its own server was seen to hold is its ``rss_mb``, where no other is given.
    """
    tags = _given(facts, model)
    if model.footprint is None or "rss_mb" in tags:
        return tags
    return {**tags, "rss_mb": round(model.footprint["peak_rss_bytes"] / 1e6, 1)}


def _given(facts: RunFacts, model: ModelFacts) -> Mapping[str, Any]:
    if model.tags:
        return model.tags
    entries = facts.scenario.get("entries") or ()
    place = next((index for index, one in enumerate(facts.models) if one is model), -1)
    if not isinstance(entries, list | tuple) or not 0 <= place < len(entries):
        return {}
    entry = entries[place]
    found = entry.get("tags") if isinstance(entry, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def number_tag(tags: Mapping[str, Any], name: str) -> float | None:
    """A tag that is a finite number of at least nought; None where there is none."""
    value = tags.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def text_tag(tags: Mapping[str, Any], name: str) -> str | None:
    """A tag that is a word; None where there is none."""
    value = tags.get(name)
    return value if isinstance(value, str) and value.strip() else None
