"""The bounds hold their confidence, in small; bench/coverage.py has the whole table."""

from __future__ import annotations

from types import ModuleType

import pytest

from .loaded import load_bench

TRIALS = 400


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("coverage")


@pytest.mark.parametrize(
    ("name", "n", "percent"),
    [
        *(("lognormal", 200, 50.0), ("lognormal", 700, 99.0), ("bimodal", 200, 95.0)),
        *(("autoregressive 0.5", 400, 50.0), ("autoregressive 0.9", 1000, 50.0)),
        ("queue at 70 %", 1500, 50.0),
    ],
)
def test_bounds_hold_their_confidence(bench: ModuleType, name: str, n: int, percent: float) -> None:
    """Less three standard errors of so many trials."""
    held = bench.coverage(bench.KINDS[name], n, percent, TRIALS, 5, True)
    assert held.interval >= 0.95 - 3 * (0.05 * 0.95 / TRIALS) ** 0.5
    assert held.bound >= 0.99 - 3 * (0.01 * 0.99 / TRIALS) ** 0.5
