"""Options of ``tailrace run`` that show it to Prometheus: served while it runs, a file at its end.

What is shown is in results/export/openmetrics.py, who serves it in metrics_endpoint/. Whatever can
be wrong with them is said before the run begins.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tailrace.commands.option import Command, option
from tailrace.commands.said import say_who_reaches
from tailrace.errors import UsageError

if TYPE_CHECKING:
    from tailrace.runner import Finished

_HOST = "127.0.0.1"

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        help="Serve the run's own metrics to Prometheus at /metrics on this port while it runs; 0 "
        "takes a free one.",
    ),
    option(
        "--metrics-host",
        metavar="ADDRESS",
        help=f"Where --metrics-port listens.  [default: {_HOST}]",
    ),
    option(
        "--metrics-file",
        metavar="FILE",
        help="After the run, write its metrics in Prometheus text, as node_exporter's textfile "
        "collector reads them (*.prom).",
    ),
)
NAMES = ("metrics_host", "metrics_port", "metrics_file")


class OwnMetrics(NamedTuple):
    """What was asked for."""

    address: tuple[str, int] | None = None
    file: Path | None = None


def own_metrics(values: dict[str, Any]) -> OwnMetrics:
    """What was given; raises UsageError where nothing can be listened on or written."""
    host, port, file = (values[name] for name in NAMES)
    if host is not None and port is None:
        raise UsageError(f"--metrics-host {host!r} is of no use without --metrics-port")
    address = None if port is None else (host or _HOST, port)
    if address is not None:
        _require_free(*address)
        say_who_reaches(address[0], "--metrics-host")
    return OwnMetrics(address, None if file is None else _writable(file))


def _require_free(host: str, port: int) -> None:
    """Another may still take it before the run does; that is then said by the run."""
    import socket

    from tailrace.metrics_endpoint.orders import cannot_listen, reason

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as exc:
        raise UsageError(cannot_listen(host, port, reason(exc))) from None


def _writable(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise UsageError(f"--metrics-file {text!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"--metrics-file {text!r}: there is no folder {str(path.parent)!r}")
    return path


def write_metrics(finished: Finished, path: Path | None) -> None:
    """The finished run's metrics; raises UsageError where they cannot be written."""
    if path is None:
        return
    from tailrace.results.atomic import write_atomic
    from tailrace.results.export.openmetrics import of_run, text_of

    exposed = of_run(finished.facts, finished.results, finished.verdict)
    try:
        write_atomic(path, text_of(exposed, openmetrics=False))
    except OSError as exc:
        raise UsageError(
            f"--metrics-file {str(path)!r} cannot be written: {exc.strerror}"
        ) from None
