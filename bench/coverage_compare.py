"""What the intervals and verdicts of `tailrace compare` hold, by simulation.

For each shape of latencies, number of requests and percentile, two levels are drawn many times:
once from one and the same law, once with the second 10 % slower. Prints as Markdown how often the
interval holds the true ratio, and how often each verdict comes.

    python bench/coverage_compare.py                 2,000 trials a line, some 10 minutes
    python bench/coverage_compare.py --trials 200    a first look
    python bench/coverage_compare.py --laws bimodal  one of lognormal, bimodal, autocorrelated 0.5
                                                     and 0.9
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from tailrace.results.compare_bootstrap import Draws
from tailrace.results.compare_cell import Cell, judged
from tailrace.results.compare_figures import LATENCIES, SLICES, Figures, Samples
from tailrace.results.compare_level import Dice, Settings, level_cells
from tailrace.results.stats import percentile_name

Floats = NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]

REPLICATES = 1000
CASES = (
    *((50.0, 500), (50.0, 2000), (50.0, 10_000)),
    *((90.0, 2000), (99.0, 2000), (99.0, 10_000)),
)
NO_SAMPLES = Samples(np.zeros(0, np.int64), np.zeros(0, np.int64))


def lognormal(dice: np.random.Generator, n: int) -> Floats:
    return dice.lognormal(12, 0.3, n)


def bimodal(dice: np.random.Generator, n: int) -> Floats:
    """Seven of ten around one value, the others around one 2.7 times as long."""
    return np.where(dice.random(n) < 0.7, dice.lognormal(12, 0.1, n), dice.lognormal(13, 0.1, n))


def autocorrelated(phi: float) -> Law:
    """Lognormal; each request remembers ``phi`` of the one before."""

    def law(dice: np.random.Generator, n: int) -> Floats:
        before = 300
        steps = dice.normal(size=n + before) * (1 - phi**2) ** 0.5
        made = lfilter([1.0], [1.0, -phi], steps)
        return np.exp(12 + 0.3 * made[before:])

    return law


LAWS: dict[str, Law] = {
    "lognormal": lognormal,
    "bimodal": bimodal,
    "autocorrelated 0.5": autocorrelated(0.5),
    "autocorrelated 0.9": autocorrelated(0.9),
}


def figures(values: Floats) -> Figures:
    """A level with these latencies and nothing else."""
    n = len(values)
    ttft = Samples(np.round(values).astype(np.int64), np.ones(n, np.int64))
    none = np.zeros(SLICES)
    samples = dict.fromkeys(LATENCIES, NO_SAMPLES) | {"ttft": ttft}
    return Figures(np.zeros(n, np.bool_), samples, none, none, none, True)


def trial(law: Law, n: int, percent: float, shift: float, seed: int, dice: Dice) -> Cell:
    """One comparison of two levels; the second is ``shift`` times as slow."""
    random = np.random.default_rng([seed, n])
    base, other = figures(law(random, n)), figures(shift * law(random, n))
    settings = Settings(metrics=(("ttft", (percent,)),))
    (cell,) = judged(list(level_cells("m", "1", base, other, settings, dice)), 0.95)
    return cell


def line(name: str, law: Law, n: int, percent: float, trials: int) -> str:
    dice = Dice(Draws(0, 0, replicates=REPLICATES), Draws(0, 1, replicates=REPLICATES))
    same = [trial(law, n, percent, 1.0, seed, dice) for seed in range(trials)]
    slow = [trial(law, n, percent, 1.1, seed + trials, dice) for seed in range(trials)]
    tested = [(cell, 1.0) for cell in same if cell.tested]
    tested += [(cell, 1.1) for cell in slow if cell.tested]
    inside = [(cell.low or 0) <= truth - 1 <= (cell.high or 0) for cell, truth in tested]
    widths = [(log(1 + (cell.high or 0)) - log(1 + (cell.low or 0))) / 2 for cell, _ in tested]
    verdicts = [Counter(cell.verdict for cell in cells) for cells in (same, slow)]

    def share(count: int, of: int) -> str:
        return f"{100 * count / of:.1f} %" if of else "-"

    untested = 2 * trials - len(tested)
    return " | ".join(
        (
            f"| {name}",
            str(n),
            percentile_name(percent),
            share(sum(inside), len(inside)),
            f"±{100 * float(np.median(widths)):.1f} %" if widths else "-",
            share(untested, 2 * trials),
            share(verdicts[0]["no difference"], trials),
            share(verdicts[0]["cannot tell"], trials),
            share(verdicts[0]["better"] + verdicts[0]["worse"], trials),
            share(verdicts[1]["worse"], trials),
            share(verdicts[1]["no difference"] + verdicts[1]["better"], trials) + " |",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of tailrace compare, by simulation.")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--laws", nargs="+", choices=list(LAWS), default=list(LAWS), metavar="LAW")
    options = parser.parse_args()
    trials = options.trials
    print(f"{trials} trials a line, twice; margin 5 %, confidence 95 %\n")
    print(
        "| law | requests | percentile | interval holds the truth | its median half-width "
        "| no interval given | same: no difference | same: cannot tell | same: better or worse "
        "| 10 % slower: worse | 10 % slower: missed |"
    )
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in options.laws:
        for percent, n in CASES:
            print(line(name, LAWS[name], n, percent, trials), flush=True)


if __name__ == "__main__":
    main()
