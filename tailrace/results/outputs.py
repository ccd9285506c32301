"""Outputs: what a model answered to each prompt, as hashes, added up over its rows. Pure.

Rule: ``outputs.json`` holds no time, no place and no random word, so two runs that asked the same
and were answered the same write the same bytes. Only whole answers have a hash. At temperature 0,
with one seed and the very same prompt, a prompt should have one; more of them show a model, or a
server that batches, whose answers are not repeatable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from tailrace.errors import ResultError
from tailrace.results.schema import Row

OUTPUTS_SCHEMA = "tailrace.outputs/1"

PARAMETERS = ("system", "max_tokens", "temperature", "nonce", "salt", "extra_body")
"""Settings of the scenario, besides the seed, that decide what a model answers to a prompt."""


def output_hash(text: str, reasoning: str) -> str:
    """SHA-256 in hexadecimal of the answer's text in UTF-8.

    Where there is reasoning, of the reasoning, a NUL byte and the text.
    """
    whole = f"{reasoning}\0{text}" if reasoning else text
    return sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


class PromptOutputs(msgspec.Struct):
    """All answers to one prompt."""

    prompt: str
    """The item's id."""
    asked: str | None
    """Hash of what was asked."""
    answers: int
    hashes: dict[str, int]
    """Hash of the answer -> how often, the most frequent first."""
    distinct_by_level: dict[str, int]
    """Level -> different answers; the cold first request is level ``cold``."""


class ModelOutputs(msgspec.Struct):
    """``<model>/outputs.json``."""

    schema: str
    model: str
    parameters: dict[str, Any]
    prompts: list[PromptOutputs]


class Outputs:
    """Of one model; memory grows with its prompts and their different answers."""

    def __init__(self) -> None:
        self._hashes: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        """(Prompt, hash of what was asked) -> hash of the answer -> answers."""
        self._levels: defaultdict[tuple[str, str], defaultdict[int, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )

    def add(self, row: Row) -> None:
        """One row; those without a hash count nothing."""
        if row.output_hash is not None:
            key = row.prompt, row.asked_hash or ""
            self._hashes[key][row.output_hash] += 1
            self._levels[key][row.stage].add(row.output_hash)

    def summary(self) -> dict[str, int] | None:
        """As ``result.json`` has it; None without any."""
        if not self._hashes:
            return None
        return {
            "prompts": len(self._hashes),
            "answers": sum(counts.total() for counts in self._hashes.values()),
            "differing": sum(len(counts) > 1 for counts in self._hashes.values()),
        }

    def document(self, model: str, scenario: Mapping[str, Any]) -> ModelOutputs | None:
        """What ``outputs.json`` holds, of a run of this scenario; None without any answer."""
        if not self._hashes:
            return None
        parameters = {name: scenario.get(name) for name in PARAMETERS}
        parameters["seed"] = scenario.get("seed") if scenario.get("send_seed") else None
        prompts = [self._prompt(key) for key in sorted(self._hashes, key=_by_number)]
        return ModelOutputs(OUTPUTS_SCHEMA, model, dict(sorted(parameters.items())), prompts)

    def _prompt(self, key: tuple[str, str]) -> PromptOutputs:
        hashes, levels = self._hashes[key], self._levels[key]
        return PromptOutputs(
            prompt=key[0],
            asked=key[1] or None,
            answers=hashes.total(),
            hashes=dict(sorted(hashes.items(), key=lambda entry: (-entry[1], entry[0]))),
            distinct_by_level={
                "cold" if level < 0 else str(level): len(levels[level]) for level in sorted(levels)
            },
        )


def outputs_from_json(data: bytes, where: str) -> ModelOutputs:
    """Read ``outputs.json`` back; raises ResultError naming ``where`` and the field."""
    try:
        found = msgspec.json.decode(data, type=ModelOutputs)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ResultError(f"{where} does not hold a model's outputs: {exc}") from None
    if found.schema != OUTPUTS_SCHEMA:
        raise ResultError(
            f"{where} has schema {found.schema!r}, this tailrace reads {OUTPUTS_SCHEMA!r}"
        )
    return found


def _by_number(key: tuple[str, str]) -> tuple[int, str, str]:
    """Ids that are whole numbers come in their order, and any in the same order always."""
    prompt, asked = key
    return len(prompt), prompt, asked
