"""Server: a model's levels as its server saw them, as sheets, one line, and one sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.render.figures import NOT_AVAILABLE, count, hundredths, ms, number, share
from tailrace.results.render.sheet import Sheet, known
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text

Found = Mapping[str, Any]
MB = 1_000_000


def server_sheets(levels: Sequence[Level]) -> list[Sheet]:
    """What its metrics say, what its process and its GPUs used; without what nobody tells."""
    watched = [level for level in levels if level.server]
    return [known(_metrics(watched)), known(_process(watched)), known(_gpus(watched))]


def server_lines(levels: Sequence[Level]) -> list[str]:
    """For the terminal, one line a level whose server told anything."""
    lines = ((level, _line(level.server, level)) for level in levels if level.server)
    return [f"{level.title}: {text}" for level, text in lines if text]


def server_about(result: Found) -> str | None:
    """How the server of a model's document was watched; None where it was not."""
    server = result.get("server")
    if server is None:
        return None
    parts = []
    if server["url"] is not None:
        whose = server["software"] or "unknown names"
        parts.append(f"metrics of {whose} at {server['url']}, every {server['interval_s']:g} s")
    if server["pid"] is not None:
        parts.append(f"process {server['pid']} ({server['pid_by']}), children included")
    parts.append(f"aligned by {server['clock']}")
    return safe_text("; ".join([*parts, *server["notes"]]), 600)


def _line(found: Found, level: Level) -> str:
    parts = []
    for name in ("running", "waiting"):
        if found[name] is not None:
            parts.append(f"{name} {hundredths(found[name]['mean'])} (max {found[name]['max']:g})")
    if found["cache_usage"] is not None:
        parts.append(f"KV cache max {share(found['cache_usage']['max'])}")
    if found["tokens_per_s"] is not None:
        how = " of ended answers" if found["tokens_at_end"] else ""
        rate = number(found["tokens_per_s"])
        parts.append(f"{rate} tok/s{how} (client {number(level.tokens_per_s)})")
    if found["preemptions"]:
        parts.append(f"{found['preemptions']:.0f} preemptions")
    process = found["process"]
    if process is not None:
        parts.append(f"CPU {number(process['cpu_mean'])} cores")
        parts.append(f"RSS {number(process['rss_max_bytes'] / MB)} MB")
    for gpu in found["gpus"]:
        parts.append(f"GPU {share(gpu['utilisation_mean'])} {number(gpu['power_mean_w'])} W")
    return ", ".join(parts)


def _metrics(levels: Sequence[Level]) -> Sheet:
    columns = (
        *("load", "looks", "running mean", "running max", "waiting mean", "waiting max"),
        *("KV cache mean", "KV cache max", "busy slots", "preemptions"),
        *("tokens/s", "client tokens/s", "output tokens", "client output tokens"),
        *("prompt tokens", "client prompt tokens", "TTFT mean ms", "TTFT p50 ms", "TTFT p99 ms"),
        *("ITL mean ms", "ITL p50 ms", "ITL p99 ms"),
    )
    rows = tuple(_metrics_row(level, level.server) for level in levels if level.server)
    return Sheet("Server", columns, ("",) * len(columns), rows)


def _metrics_row(level: Level, found: Found) -> tuple[str, ...]:
    gauges = [f(found[n], part) for n in ("running", "waiting") for f, part in _MEAN_MAX]
    told = found["generated_tokens"], found["prompt_tokens"]
    clients = (found["client_output_tokens"], found["client_input_tokens"])
    client_tokens = [
        _whole(c if t is not None else None) for t, c in zip(told, clients, strict=True)
    ]
    return (
        level.load,
        f"{found['looks'] - found['missed']} of {found['looks']}",
        *gauges,
        *(_gauge(found["cache_usage"], part, share) for part in ("mean", "max")),
        _gauge(found["busy_slots"], "mean", hundredths),
        _whole(found["preemptions"]),
        number(found["tokens_per_s"]),
        number(level.tokens_per_s if found["tokens_per_s"] is not None else None),
        *(_whole(told[0]), client_tokens[0], _whole(told[1]), client_tokens[1]),
        *(_time(found[name], part) for name in ("ttft", "itl") for part in _TIMES),
    )


_TIMES = ("mean_ns", "p50_ns", "p99_ns")


def _gauge(gauge: Found | None, part: str, write: Any) -> str:
    text: str = NOT_AVAILABLE if gauge is None else write(gauge[part])
    return text


def _mean(gauge: Found | None, part: str) -> str:
    return _gauge(gauge, part, hundredths)


def _max(gauge: Found | None, part: str) -> str:
    return _gauge(gauge, part, number)


_MEAN_MAX = ((_mean, "mean"), (_max, "max"))


def _whole(value: float | None) -> str:
    return count(None if value is None else round(value))


def _time(times: Found | None, part: str) -> str:
    return NOT_AVAILABLE if times is None else number(ms(times[part]))


def _process(levels: Sequence[Level]) -> Sheet:
    columns = ("load", "CPU cores mean", "CPU cores max", "RSS max MB", "threads", "processes")
    rows = tuple(
        (
            level.load,
            number(process["cpu_mean"]),
            number(process["cpu_max"]),
            number(process["rss_max_bytes"] / MB),
            count(process["threads_max"]),
            count(process["processes_max"]),
        )
        for level in levels
        if level.server and (process := level.server["process"]) is not None
    )
    return Sheet("Server process", columns, ("",) * len(columns), rows)


def _gpus(levels: Sequence[Level]) -> Sheet:
    columns = (
        *("load", "GPU", "memory max MB", "memory MB", "utilisation mean"),
        *("power mean W", "power max W", "temperature max °C"),
    )
    rows = tuple(
        (
            level.load,
            safe_text(f"{place}: {gpu['name']}", 80),
            *(number(_megabytes(gpu[name])) for name in ("memory_max_bytes", "memory_bytes")),
            share(gpu["utilisation_mean"]),
            *(number(gpu[name]) for name in ("power_mean_w", "power_max_w", "temperature_max_c")),
        )
        for level in levels
        if level.server
        for place, gpu in enumerate(level.server["gpus"])
    )
    return Sheet("Server GPUs", columns, ("",) * len(columns), rows)


def _megabytes(value: float | None) -> float | None:
    return None if value is None else value / MB
