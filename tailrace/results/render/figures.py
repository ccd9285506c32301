"""Figures: how a number is written in every table. Pure.

Three significant digits (a histogram keeps three), whole numbers in full, never scientific.
``~`` marks a percentile from too few samples, ``≥`` one that is only a lower bound, ``n/a`` a
number that this level does not have, ``—`` a level that was never measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOT_AVAILABLE = "n/a"
NEVER = "—"
UNCERTIFIED = "~"
AT_LEAST = "≥"

FOOTNOTES = {
    UNCERTIFIED: "not certified at 99 % confidence: too few samples, or too many shared reads",
    AT_LEAST: "lower bound: requests that timed out or were cut off had waited at least so long",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One latency in ms and how far it can be trusted."""

    ms: float | None
    certified: bool = True
    at_least: bool = False


def number(value: float | None, most_decimals: int = 6) -> str:
    """``1234``, ``12.3``, ``0.0123``; ``n/a`` for None."""
    if value is None:
        return NOT_AVAILABLE
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")  # first to three digits, so that 9.996 gets the digits of 10
    decimals = 2 - math.floor(math.log10(abs(rounded)))
    return f"{value:.{min(max(decimals, 0), most_decimals)}f}"


def amount(value: float | None) -> str:
    """A number, however small: what costs something never prints as nought."""
    return number(value, 15)


def count(value: int | None) -> str:
    """A whole number; ``n/a`` for None."""
    return NOT_AVAILABLE if value is None else str(value)


def hundredths(value: float | None) -> str:
    """Two digits after the point, for numbers that are compared with a whole one."""
    return NOT_AVAILABLE if value is None else f"{value:.2f}"


def share(value: float | None) -> str:
    """A part of one as per cent."""
    return NOT_AVAILABLE if value is None else f"{100 * value:.1f} %"


def latency(figure: Figure) -> str:
    """A figure in ms with its marks; no mark on a number that does not exist."""
    if figure.ms is None:
        return NOT_AVAILABLE
    loose = "" if figure.certified else UNCERTIFIED
    bound = AT_LEAST if figure.at_least else ""
    return f"{loose}{bound}{number(figure.ms)}"


def figure_of(percentile: Mapping[str, Any]) -> Figure:
    """A percentile of a result document."""
    return Figure(ms(percentile["value_ns"]), percentile["certified"], percentile["at_least"])


def ms(value_ns: float | None) -> float | None:
    """Nanoseconds as milliseconds."""
    return None if value_ns is None else value_ns / 1e6
