"""The bounds hold their confidence, in small; bench/coverage.py has the whole table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
TRIALS = 400


@pytest.mark.parametrize(
    ("name", "n", "percent"),
    [
        *(("lognormal", 200, 50.0), ("lognormal", 700, 99.0), ("bimodal", 200, 95.0)),
        *(("autoregressive 0.5", 400, 50.0), ("autoregressive 0.9", 1000, 50.0)),
        ("queue at 70 %", 1500, 50.0),
    ],
)
def test_bounds_hold_their_confidence(
    monkeypatch: pytest.MonkeyPatch, name: str, n: int, percent: float
) -> None:
    """Less three standard errors of so many trials."""
    monkeypatch.syspath_prepend(str(BENCH))
    import coverage as bench

    assert Path(bench.__file__).parent == BENCH
    held = bench.coverage(bench.KINDS[name], n, percent, TRIALS, 5, True)
    assert held.interval >= 0.95 - 3 * (0.05 * 0.95 / TRIALS) ** 0.5
    assert held.bound >= 0.99 - 3 * (0.01 * 0.99 / TRIALS) ** 0.5
    monkeypatch.delitem(sys.modules, "coverage", raising=False)
