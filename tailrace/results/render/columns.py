"""Column: the columns of the headline table, defined once for terminal, Markdown and HTML. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tailrace.results.render.figures import Figure, count, hundredths, latency, number
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text


@dataclass(frozen=True, slots=True)
class Column:
    """One column; columns of one group stand side by side under the group's name."""

    group: str
    title: str
    cell: Callable[[Level], str]
    term: str = ""
    """The definition that explains it, if there is one."""
    bad: bool = False
    """Whether anything but nought is bad news."""
    rare: bool = False
    """Left out where every level has nought."""
    of_open_loop: bool = False
    """Left out where every level is a closed loop."""

    label: str = ""
    """Its name in a table without groups, where that is not the group and the title."""

    @property
    def name(self) -> str:
        """Its name in a table without groups."""
        return self.label or f"{self.group} {self.title}".strip()


def headline(levels: Sequence[Level]) -> list[Column]:
    """The columns worth their room for these levels."""
    reached = [level for level in levels if level.reached]
    open_loop = any(level.users is None for level in reached)
    return [
        replace(column, title="load") if open_loop and column.title == "users" else column
        for column in COLUMNS
        if (open_loop or not column.of_open_loop)
        and (not column.rare or any(column.cell(level) != "0" for level in reached))
    ]


def _counted(outcome: str) -> Callable[[Level], str]:
    return lambda level: count(level.measured[outcome])


def _percentile(metric: str, title: str, percentile: str) -> Column:
    return Column(
        f"{title} ms",
        percentile,
        lambda level: latency(level.metrics[metric].percentiles[percentile]),
        metric,
        label=f"{title} {percentile} ms",
    )


def _longest(level: Level) -> Figure:
    return level.metrics["icl"].max


def _stalls(level: Level) -> str:
    return count(level.stalls)


def _requests(level: Level) -> str:
    return number(level.requests_per_s)


def _in_flight(level: Level) -> str:
    return hundredths(level.in_flight_mean)


COLUMNS: tuple[Column, ...] = (
    Column("", "round", lambda level: count(level.round), rare=True),
    Column("", "users", lambda level: safe_text(level.load)),
    Column("in flight", "mean", _in_flight, "in_flight"),
    Column("in flight", "max", lambda level: count(level.in_flight_max), "in_flight"),
    Column("requests", "ok", _counted("ok"), "outcomes", label="ok"),
    Column(
        "requests",
        "drop",
        lambda level: count(level.books["dropped"]),
        "outcomes",
        bad=True,
        rare=True,
        label="dropped",
    ),
    Column("requests", "err", _counted("error"), "outcomes", bad=True, label="error"),
    Column("requests", "t/o", _counted("timeout"), "outcomes", bad=True, label="timeout"),
    Column("requests", "cens", _counted("censored"), "outcomes", bad=True, label="censored"),
    Column(
        "requests",
        "canc",
        _counted("cancelled"),
        "outcomes",
        bad=True,
        rare=True,
        label="cancelled",
    ),
    Column(
        "requests", "retr", _counted("retried"), "retries", bad=True, rare=True, label="retried"
    ),
    Column("TTFT ms", "n", lambda level: count(level.metrics["ttft"].n), "samples", label="TTFT n"),
    _percentile("ttft", "TTFT", "p50"),
    _percentile("ttft", "TTFT", "p95"),
    _percentile("ttft", "TTFT", "p99"),
    Column(
        "TTFT ms",
        "due p99",
        lambda level: latency(level.metrics["ttft_response"].percentiles["p99"]),
        "ttft_response",
        of_open_loop=True,
        label="TTFT (response) p99 ms",
    ),
    _percentile("icl", "ICL", "p50"),
    _percentile("icl", "ICL", "p99"),
    Column("ICL ms", "max", lambda level: latency(_longest(level)), "icl", label="ICL max ms"),
    Column(
        "ICL ms", "stalls", lambda level: count(level.stalls), "stall", bad=True, label="stalls"
    ),
    _percentile("tpot", "TPOT", "p50"),
    _percentile("e2e", "E2E", "p50"),
    _percentile("e2e", "E2E", "p99"),
    Column("per second", "tok", lambda level: number(level.tokens_per_s), "window", label="tok/s"),
    Column(
        "per second",
        "/user",
        lambda level: number(level.tokens_per_s_per_user),
        "window",
        label="tok/s/user",
    ),
    Column("per second", "req", _requests, "window", label="req/s"),
)
