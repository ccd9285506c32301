"""The script an endpoint plays, and the plan of one request under it.

Rule: pure; a plan depends on the script, the number of the request and the tokens it asks for,
and on nothing else, so the same three give the same plan in any process.
Why: a load generator can be judged only against delays that are known beforehand.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from random import Random
from typing import Any, Literal

from tailrace.simulate.faults import CATALOGUE

MAX_TOKENS = 1_000_000

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Script:
    """How every request is answered.

    `tokens` is the natural length of an answer; a request may cut it shorter with max_tokens, or,
    with ignore_eos, ask for exactly max_tokens.
    `jitter` j multiplies each interval (the first too) by a factor uniform in [1-j, 1+j]: bounded,
    mean one, never negative.
    `slots` k > 0 serves k requests at once; the rest wait, first come first served, headers too.
    `role_early` sends the role chunk with the headers instead of with the first token.
    `stall_at` puts `stall_ns` of extra silence before that content chunk (the first is 0).
    `metrics` serves /metrics as Prometheus text.
    `fault` strikes every `fault_every`-th request from number `fault_from` on (the first is 1),
    after `fault_after` chunks where that matters.
    """

    ttft_ns: int = 200_000_000
    gap_ns: int = 20_000_000
    tokens: int = 64
    tokens_per_chunk: int = 1
    jitter: float = 0.0
    seed: int = 0
    slots: int = 0
    role_early: bool = False
    models: tuple[str, ...] = ("sim",)
    api_key: str | None = None
    fault: str | None = None
    fault_every: int = 1
    fault_from: int = 1
    fault_after: int = 3
    stall_at: int | None = None
    stall_ns: int = 2_000_000_000
    truth_limit: int = 200_000
    metrics: bool = False

    def __post_init__(self) -> None:
        """Refuse a script that cannot be played."""
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name} must be a whole number of at least {low}, not {value!r}")
        if not (math.isfinite(self.jitter) and 0.0 <= self.jitter <= 1.0):
            raise ValueError(f"jitter must lie between 0 and 1, not {self.jitter!r}")
        if self.tokens > MAX_TOKENS:
            raise ValueError(f"tokens must be at most {MAX_TOKENS}, not {self.tokens}")
        if not self.models or isinstance(self.models, str):
            raise ValueError("models must be a tuple of at least one name")
        if self.fault is not None and self.fault not in CATALOGUE:
            raise ValueError(f"unknown fault {self.fault!r}; known: {', '.join(CATALOGUE)}")
        if self.stall_at is not None and self.stall_at < 0:
            raise ValueError(f"stall_at must be at least 0, not {self.stall_at}")


_LOWEST = {
    "ttft_ns": 0,
    "gap_ns": 0,
    "tokens": 1,
    "tokens_per_chunk": 1,
    "slots": 0,
    "fault_every": 1,
    "fault_from": 1,
    "fault_after": 0,
    "stall_ns": 0,
    "truth_limit": 0,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer: when each content chunk is due after service starts, and its tokens."""

    due_ns: array[int]
    tokens: tuple[int, ...]
    finish_reason: FinishReason

    @property
    def total(self) -> int:
        """Tokens in the whole answer."""
        return sum(self.tokens)


def plan(
    script: Script, request_no: int, max_tokens: int | None = None, *, ignore_eos: bool = False
) -> Plan:
    """The plan of request `request_no`; even plans are shared, jittered ones made anew."""
    if max_tokens is None:
        length, reason = script.tokens, "stop"
    elif ignore_eos or max_tokens < script.tokens:
        length, reason = max_tokens, "length"
    else:
        length, reason = script.tokens, "stop"
    if script.jitter == 0.0:
        return _even(script, length, reason)
    rng = Random(f"{script.seed}:{request_no}")
    low, width = 1.0 - script.jitter, 2.0 * script.jitter
    sizes = _sizes(length, script.tokens_per_chunk)
    factors = [low + width * rng.random() for _ in sizes]
    return Plan(_due(script, factors), sizes, "length" if reason == "length" else "stop")


@lru_cache(maxsize=256)
def _even(script: Script, length: int, reason: str) -> Plan:
    sizes = _sizes(length, script.tokens_per_chunk)
    due = _due(script, [1.0] * len(sizes))
    return Plan(due, sizes, "length" if reason == "length" else "stop")


@lru_cache(maxsize=256)
def _sizes(length: int, per_chunk: int) -> tuple[int, ...]:
    full, rest = divmod(length, per_chunk)
    return (per_chunk,) * full + ((rest,) if rest else ())


def _due(script: Script, factors: list[float]) -> array[int]:
    due = array("q")
    at = 0
    interval = script.ttft_ns
    for index, factor in enumerate(factors):
        at += interval if factor == 1.0 else int(interval * factor)
        if index == script.stall_at:
            at += script.stall_ns
        due.append(at)
        interval = script.gap_ns
    return due


def script_from(values: Mapping[str, Any]) -> Script:
    """A script from plain values, as JSON gives them; an unknown name is refused."""
    if not isinstance(values, Mapping):
        raise ValueError(f"a script is an object of settings, not {values!r}")
    known = {field.name for field in fields(Script)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown script setting: {', '.join(unknown)}")
    given = dict(values)
    if isinstance(given.get("models"), list):
        given["models"] = tuple(given["models"])
    return Script(**given)


def script_values(script: Script) -> dict[str, Any]:
    """The script as plain values, as JSON takes them; `script_from` reads them back."""
    values = {field.name: getattr(script, field.name) for field in fields(Script)}
    values["models"] = list(script.models)
    return values
