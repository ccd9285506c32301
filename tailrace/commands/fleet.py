"""The options that put workers on a cluster."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any, get_args

import click
from click.core import ParameterSource

from tailrace.commands import levels
from tailrace.commands.option import option
from tailrace.engine.fleet_choice import FleetChoice, Placement
from tailrace.errors import UsageError

_ADDRESS = re.compile(r"(ray://)?[^\s/:]+:\d+")

WHERE = ("fleet", "fleet_placement", "tolerate_loss")
"""Options that say where a run is held, not what it asks: they may change when it is resumed."""

OPTIONS = (
    option(
        "--fleet",
        metavar="ray|ray://HOST:PORT|HOST:PORT",
        help="Put the workers on a Ray cluster: this machine's, or the one named.",
    ),
    option(
        "--fleet-placement",
        type=click.Choice(list(get_args(Placement))),
        default="spread",
        show_default=True,
        help="Over as many nodes as there are, one worker a node at most, or on few.",
    ),
    option(
        "--tolerate-loss",
        is_flag=True,
        help="A run on a cluster that loses a worker goes on without it.",
    ),
)


def fleet(values: dict[str, Any]) -> FleetChoice | None:
    """None is this machine; raises UsageError for what cannot be."""
    text = values["fleet"]
    if text is None:
        if values["tolerate_loss"]:
            raise UsageError("--tolerate-loss is for runs on a cluster: name one with --fleet")
        return None
    return FleetChoice(address(text), values["fleet_placement"], values["tolerate_loss"])


def address(text: str) -> str | None:
    """Of a cluster; None is the one of this machine. Raises UsageError for what is none."""
    if text != "ray" and not _ADDRESS.fullmatch(text):
        raise UsageError(
            f"--fleet {text!r} is neither ray, which is the cluster that this machine is in, nor "
            "ray://HOST:10001, nor HOST:6379"
        )
    if find_spec("ray") is None:
        raise UsageError("--fleet needs Ray: pip install 'tailrace[ray]'")
    return None if text == "ray" else text


def again(ctx: click.Context, values: dict[str, Any]) -> tuple[FleetChoice | None, int | None]:
    """Where a resumed run goes on, and with how many workers if that is said anew."""
    on = fleet(values)
    given = ctx.get_parameter_source("workers") is not ParameterSource.DEFAULT
    return on, levels.workers(values["workers"]) if on is not None and given else None
