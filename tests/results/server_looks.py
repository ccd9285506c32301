"""Looks at a server for tests, as short as they can be said."""

from __future__ import annotations

from typing import Any

from tailrace.results.server_log import Head, Look, ServerLog, parse_log, to_line

S = 1_000_000_000


def look(at_s: float, **more: Any) -> Look:
    """A look; ``running``, ``waiting``, ``generated`` are series of vLLM."""
    names = {
        "running": "vllm:num_requests_running",
        "waiting": "vllm:num_requests_waiting",
        "cache": "vllm:kv_cache_usage_perc",
        "generated": "vllm:generation_tokens_total",
        "prompt": "vllm:prompt_tokens_total",
    }
    series = {names[name]: float(more.pop(name)) for name in list(more) if name in names}
    return Look(round(at_s * S), series=more.pop("series", {}) | series, **more)


def log_of(*looks: Look, **head: Any) -> ServerLog:
    """The log of these lines, by way of their bytes."""
    first = Head(0, "http://127.0.0.1:1/metrics", 1.0, **head)
    return parse_log([to_line(first), *map(to_line, looks)], "log")
