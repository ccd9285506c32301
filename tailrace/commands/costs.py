"""Options for what a model costs: prices of tokens, and power; the figures: results/cost.py.

A value given here is for every model of the run and beats the model's own tags.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError

NAMES = ("price_in", "price_out", "watts", "price_kwh")

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--price-in",
        metavar="PRICE",
        help="Price of a million input tokens, for the cost columns.",
    ),
    option(
        "--price-out",
        metavar="PRICE",
        help="Price of a million output tokens.",
    ),
    option(
        "--currency",
        help="Of the prices, like EUR; only a word in the tables.",
    ),
    option(
        "--watts",
        metavar="W",
        help="Power that the server draws while it answers, for the energy columns.",
    ),
    option(
        "--price-kwh",
        metavar="PRICE",
        help="Price of a kilowatt hour; with --watts the cost where tokens have no price.",
    ),
)


def costs(values: dict[str, Any]) -> dict[str, Any]:
    """What was given, by name; raises UsageError naming the option that is no number."""
    found: dict[str, Any] = {
        name: _number(values[name], "--" + name.replace("_", "-"))
        for name in NAMES
        if values[name] is not None
    }
    currency = values["currency"]
    if currency is not None:
        if not re.fullmatch(r"[^\W\d_]{1,12}|[$€£¥₹]", currency):
            raise UsageError(f"--currency {currency[:40]!r} is not a currency like EUR or $")
        found["currency"] = currency
    return found


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"{what} {text[:40]!r} is not a number of at least 0, like 0.15")
    return value
