"""Options of ``tailrace run`` about the server's own view: its metrics, its process.

What is done with them is in engine/watcher.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.server_side import AUTO, OFF, ServerSide

LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.1, 3600.0

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--server-metrics",
        default=AUTO,
        show_default=True,
        metavar="auto|off|URL",
        help="Prometheus metrics of the server, read during the levels by a process of their own; "
        "auto takes /metrics beside the model's URL where it answers.",
    ),
    option(
        "--server-metrics-interval",
        default="1s",
        show_default=True,
        metavar="TIME",
        help="Time between two looks at the server.",
    ),
    option(
        "--server-pid",
        metavar="auto|off|PID",
        help="The server's process on this machine, to watch its memory and CPU; auto is the one "
        "that listens on the URL's port.  [default: auto where there are metrics]",
    ),
)


def server_side(values: dict[str, Any]) -> ServerSide:
    """What was given; raises UsageError naming the option that is wrong."""
    interval_s = parse.positive(values["server_metrics_interval"], "--server-metrics-interval")
    if not LEAST_INTERVAL_S <= interval_s <= MOST_INTERVAL_S:
        raise UsageError(
            f"--server-metrics-interval {values['server_metrics_interval']!r} is not from "
            f"{LEAST_INTERVAL_S * 1000:.0f}ms to {MOST_INTERVAL_S:.0f}s"
        )
    return ServerSide(_metrics(values["server_metrics"]), interval_s, _pid(values["server_pid"]))


def _metrics(text: str) -> str:
    if text in (AUTO, OFF):
        return text
    what = "--server-metrics"
    if "://" not in text:
        raise UsageError(
            f"{what} {text!r} is neither auto nor off nor a URL like http://127.0.0.1:8080/metrics"
        )
    parse.base_url(text, what)  # the same things are wrong with it
    return text.strip()


def _pid(text: str | None) -> str | None:
    if text is None or text in (AUTO, OFF):
        return text
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
        raise UsageError(f"--server-pid {text!r} is neither auto nor off nor a process number")
    import psutil

    if not psutil.pid_exists(int(text)):
        raise UsageError(f"--server-pid {text}: there is no such process here")
    return text
