"""Server charts: the server and its client over time, on one axis. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.render.chart import SECONDS, Chart, Trace, axis, digits, line
from tailrace.results.render.figures import number
from tailrace.results.render.table import Level

Lines = Mapping[str, Sequence[float | None]]
_CHARTS: tuple[tuple[str, str, float, tuple[tuple[str, str], ...]], ...] = (
    (
        "Requests: run, wait at the server; in flight here",
        "requests",
        1.0,
        (("run", "running"), ("wait", "waiting"), ("here", "in_flight")),
    ),
    (
        "Output tokens per second, there and here",
        "tokens/s",
        1.0,
        (("there", "tokens_per_s"), ("here", "client_tokens_per_s")),
    ),
    ("KV cache in use", "%", 100.0, (("", "cache_usage"),)),
    ("CPU of the server's process", "cores", 1.0, (("", "cpu"),)),
    ("Memory of the server's process", "MB", 1e-6, (("", "rss_bytes"),)),
    ("GPU utilisation, mean of all", "%", 100.0, (("", "gpu_utilisation"),)),
    ("GPU power, sum of all", "W", 1.0, (("", "gpu_power_w"),)),
)


def server_charts(levels: Sequence[Level], result: Mapping[str, Any], key: str) -> list[Chart]:
    """Those of a model's document that have anything to show."""
    server = result.get("server")
    lines: Lines = {} if server is None else server["timeline"]
    if server is None or len(lines.get("at_s", ())) < 2:
        return []
    titles = [level.title for level in levels]
    marks = list(zip(server["levels_at_s"], titles, strict=False))
    made = []
    for place, (title, unit, factor, names) in enumerate(_CHARTS):
        known = [(called or name, name) for called, name in names if lines.get(name)]
        ours = names[-1][1] in ("in_flight", "client_tokens_per_s")
        if len(known) <= int(ours):  # the client's line alone is no view of the server
            continue
        traces = [_line(lines, *each, factor, at) for at, each in enumerate(known)]
        layout = {"xaxis": axis(SECONDS), "yaxis": axis(unit, rangemode="tozero")}
        columns = ("at_s", *(called for called, _ in known))
        about = f"{title}. As the server's own metrics, its process or its GPUs say."
        name = f"{key}-server-{place + 1}"
        made.append(
            Chart(name, title, about, traces, layout, columns, "shared", wide=True, marks=marks)
        )
    return made


def _line(lines: Lines, called: str, name: str, factor: float, colour: int) -> Trace:
    y = [None if value is None else digits(value * factor) for value in lines[name]]
    return line(called, lines["at_s"], y, colour, connectgaps=False)


def level_starts(result: Mapping[str, Any], levels: Sequence[Level]) -> str:
    """Where on the axis the levels begin."""
    starts = result["server"]["levels_at_s"]
    said = (
        f"{level.title} at {number(at_s)} s" for level, at_s in zip(levels, starts, strict=False)
    )
    return f"Levels begin: {', '.join(said)}."
