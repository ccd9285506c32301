"""``--rounds``: the levels of a run, several times over for each model.

Rule: rounds stand apart, each level of each round with its own figures; nothing is pooled. Arrivals
differ from round to round as they do from level to level, so a round is a fresh sample of the load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import click

from tailrace.commands.option import Command, option
from tailrace.scenarios.model import Level

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--rounds",
        env=["BENCH_ROUNDS"],
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        help="Go through the levels this many times with each model; rounds stand apart.",
    ),
)


def repeated(levels: tuple[Level, ...], rounds: int) -> tuple[Level, ...]:
    """All levels of the first round, then of the second, …; a single round has no number."""
    if rounds == 1:
        return levels
    return tuple(
        replace(level, round=number) for number in range(1, rounds + 1) for level in levels
    )
