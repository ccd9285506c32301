"""Sealing: what a deterministic run adds to a row, so that answers can be compared. Pure.

Rule: an answer is hashed when its request is over and its row waits to be written, so not while
other answers are being timed chunk by chunk. Text that was gathered for the hash alone goes.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import orjson

from tailrace.results.outputs import output_hash
from tailrace.results.schema import Row
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.prompts import messages


def gathers_text(scenario: Scenario) -> bool:
    """Whether answers must be gathered while they come."""
    return scenario.keep_text or scenario.deterministic


def sealer(scenario: Scenario) -> Callable[[Row], None] | None:
    """What is to be done to each row before it is written; None for nothing."""
    if not scenario.deterministic:
        return None
    keep_text = scenario.keep_text

    def seal(row: Row) -> None:
        if row.outcome == "ok" and (row.text or row.reasoning):
            row.output_hash = output_hash(row.text or "", row.reasoning or "")
        if not keep_text:
            row.text = row.reasoning = row.tool_calls = None

    return seal


def asked_hash(scenario: Scenario, item: Item) -> str:
    """SHA-256 of what an item asks, system message and its own settings in it; without the nonce,
    which is the same where salt, seed and number are.
    """
    asked = [messages(scenario, item), item.max_tokens, item.model, item.extra]
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()
