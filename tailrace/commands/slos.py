"""Options for what a level is held to: ``--slo``, and ``--abort-on`` while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tailrace.commands.option import Command, option

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--slo",
        "slo",
        multiple=True,
        metavar="OBJECTIVE[,…]",
        help="Objectives of each level, like 'ttft:p99<500ms, icl:p99<50ms, error_rate<1%, "
        "goodput>10'; one that is missed ends with exit code 10.",
    ),
    option(
        "--abort-on",
        "abort_on",
        multiple=True,
        metavar="THRESHOLD[,…]",
        help="End the run, with exit code 12, once a figure has been beyond it for so long, like "
        "'error_rate>10% for 5s, ttft:p99>10s for 30s'.",
    ),
)


def objectives(values: dict[str, Any]) -> dict[str, Any]:
    """Both as fields of a Scenario; raises UsageError with the part that is wrong."""
    found: dict[str, Any] = {"slo": (), "abort_on": ()}
    if values["slo"]:
        from tailrace.results.slo import parse_slos

        found["slo"] = tuple(slo.text for slo in parse_slos(", ".join(values["slo"])))
    if values["abort_on"]:
        from tailrace.results.abort import parse_abort

        rules = parse_abort(", ".join(values["abort_on"]))
        found["abort_on"] = tuple(rule.text for rule in rules)
    return found
