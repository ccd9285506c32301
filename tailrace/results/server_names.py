"""Server names: what each server calls the things that all of them count. Pure.

A series is ``name{label="value"}`` as the server wrote it. Rule: what is a number of things is
added up over all labels (engines, ranks); of shares of something the highest counts. A colon in a
name may have become an underscore on its way, so both are the same here. A name that a server gave
up for another stands behind it, and counts only where the first is not there. SGLang repeats a
gauge for each priority beside the one of all, so those are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

GAUGES = ("running", "waiting", "cache_usage", "busy_slots")
COUNTERS = ("prompt_tokens", "generated_tokens", "preemptions")
HISTOGRAMS = ("ttft", "itl")
_SHARES = frozenset({"cache_usage"})

Names = Mapping[str, tuple[str, ...]]

SOFTWARE: dict[str, Names] = {
    "vLLM": {
        "running": ("vllm:num_requests_running",),
        "waiting": ("vllm:num_requests_waiting",),
        "cache_usage": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        "prompt_tokens": ("vllm:prompt_tokens_total",),
        "generated_tokens": ("vllm:generation_tokens_total",),
        "preemptions": ("vllm:num_preemptions_total",),
        "ttft": ("vllm:time_to_first_token_seconds",),
        "itl": ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
    },
    "SGLang": {
        "running": ("sglang:num_running_reqs",),
        "waiting": ("sglang:num_queue_reqs",),
        "cache_usage": ("sglang:token_usage",),
        "prompt_tokens": ("sglang:prompt_tokens_total",),
        "generated_tokens": ("sglang:generation_tokens_total",),
        "ttft": ("sglang:time_to_first_token_seconds",),
        "itl": ("sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"),
    },
    "llama.cpp": {
        "running": ("llamacpp:requests_processing",),
        "waiting": ("llamacpp:requests_deferred",),
        "cache_usage": ("llamacpp:kv_cache_usage_ratio",),
        "busy_slots": ("llamacpp:n_busy_slots_per_decode",),
        "prompt_tokens": ("llamacpp:prompt_tokens_total",),
        "generated_tokens": ("llamacpp:tokens_predicted_total",),
    },
    "TGI": {
        "running": ("tgi_batch_current_size",),
        "waiting": ("tgi_queue_size",),
        "prompt_tokens": ("tgi_request_input_length_sum",),
        "generated_tokens": ("tgi_request_generated_tokens_sum",),
    },
    "tailrace simulate": {
        "running": ("simulate:requests_running",),
        "waiting": ("simulate:requests_waiting",),
        "prompt_tokens": ("simulate:prompt_tokens_total",),
        "generated_tokens": ("simulate:generated_tokens_total",),
    },
}

AT_END = frozenset({"SGLang", "llama.cpp", "TGI"})
"""Servers that count an answer's tokens when it ends, all at once."""

_PART_OF_ANOTHER = re.compile(r'[{,]priority="[^"]+"')
_BOUND = re.compile(r'(?:^|[{,])le="([^"]*)"')
_PARTS = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram as a server keeps it: everything since it began, in seconds."""

    count: float
    sum_s: float
    below: Mapping[float, float] = field(default_factory=dict)
    """Upper bound in seconds -> how many were at or below it."""


@dataclass(frozen=True, slots=True)
class Common:
    """One look at a server, in names that all servers share; what it does not tell is missing."""

    software: str | None
    values: Mapping[str, float]
    buckets: Mapping[str, Buckets]


def _plain(name: str) -> str:
    return name.replace(":", "_")


def name_of(series: str) -> str:
    """Without its labels."""
    return series.partition("{")[0]


_KNOWN: frozenset[str] = frozenset(
    _plain(name) + part
    for names in SOFTWARE.values()
    for common, several in names.items()
    for name in several
    for part in (_PARTS if common in HISTOGRAMS else ("",))
)


def is_known(series: str) -> bool:
    """Whether anything is made of it."""
    return _plain(name_of(series)) in _KNOWN


def common_of(series: Mapping[str, float]) -> Common:
    """The same look in common names."""
    by_name: dict[str, dict[str, float]] = {}
    for key, value in series.items():
        if not _PART_OF_ANOTHER.search(key):
            by_name.setdefault(_plain(name_of(key)), {})[key] = value
    software = _software(by_name)
    if software is None:
        return Common(None, {}, {})
    values: dict[str, float] = {}
    buckets: dict[str, Buckets] = {}
    for common, several in SOFTWARE[software].items():
        for name in map(_plain, several):
            if common in HISTOGRAMS and f"{name}_count" in by_name:
                buckets.setdefault(common, _buckets(name, by_name))
            elif common not in HISTOGRAMS and name in by_name:
                found = by_name[name].values()
                values.setdefault(common, max(found) if common in _SHARES else sum(found))
    return Common(software, values, buckets)


def _software(by_name: Iterable[str]) -> str | None:
    """The server whose names these are, by most of them."""
    there = set(by_name)
    known = {
        software: sum(_plain(name) in there for several in names.values() for name in several)
        for software, names in SOFTWARE.items()
    }
    best = max(known, key=lambda software: known[software])
    return best if known[best] else None


def _buckets(name: str, by_name: Mapping[str, Mapping[str, float]]) -> Buckets:
    below: dict[float, float] = {}
    for key, value in by_name.get(f"{name}_bucket", {}).items():
        bound = _BOUND.search(key)
        if bound is not None:
            at = float(bound[1])
            below[at] = below.get(at, 0.0) + value
    total = {part: sum(by_name.get(name + part, {}).values()) for part in ("_count", "_sum")}
    return Buckets(total["_count"], total["_sum"], dict(sorted(below.items())))
