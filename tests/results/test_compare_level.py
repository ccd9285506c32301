"""Level: cells of made figures, each with the reason it deserves; identical runs do not differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tailrace.results.compare_cell import Cell, judged
from tailrace.results.compare_figures import LATENCIES, SLICES, Figures, Samples, joined
from tailrace.results.compare_level import DEFAULT_METRICS, Settings, dice_of, level_cells

DICE = dice_of(0)
NONE = Samples(np.zeros(0, np.int64), np.zeros(0, np.int64))


def samples(values_us: np.ndarray, each: int = 1, bound_us: int | None = None) -> Samples:
    n = len(values_us) // each
    return Samples(values_us.astype(np.int64), np.full(n, each), bound_us)


def figures(seed: int, n: int = 2000, scale: float = 1.0, errors: float = 0.0) -> Figures:
    dice = np.random.default_rng([5, seed])
    ttft = samples(dice.lognormal(12, 0.15, n) * scale)
    made = dict.fromkeys(LATENCIES, ttft)
    made["icl"] = samples(dice.lognormal(9, 0.1, 4 * n) * scale, 4)
    return Figures(
        failed=dice.random(n) < errors,
        samples=made,
        slice_s=np.full(SLICES, 1.0),
        slice_tokens=dice.poisson(n / 2, SLICES) / scale,
        slice_answers=dice.poisson(n / SLICES * 5, SLICES) / scale,
        tokens_known=True,
    )


def cells(base: Figures, other: Figures, settings: Settings | None = None) -> dict[str, Cell]:
    settings = settings or Settings()
    made = list(level_cells("m", "8", base, other, settings, DICE))
    return {cell.name: cell for cell in judged(made, settings.confidence)}


def test_every_figure_has_a_cell_in_order() -> None:
    names = list(cells(figures(0), figures(1)))
    assert names[:3] == ["ttft p50", "ttft p90", "ttft p99"]
    assert names[-3:] == ["tokens_per_s", "requests_per_s", "error_rate"]
    assert len(names) == 15


def test_identical_runs_do_not_differ() -> None:
    settings = Settings(metrics=(("ttft", (50.0, 90.0)), ("icl", (50.0, 99.0)), ("error_rate", ())))
    found = [
        cell.verdict
        for seed in range(0, 80, 2)
        for cell in cells(figures(seed), figures(seed + 1), settings).values()
    ]
    assert found.count("no difference") >= 0.95 * len(found)
    assert not {"worse", "better"} & set(found)


def test_a_tenth_is_found_and_its_direction() -> None:
    found = cells(figures(0), figures(1, scale=1.1))
    assert found["ttft p50"].verdict == found["icl p50"].verdict == "worse"
    assert found["tokens_per_s"].verdict == "worse"
    assert found["ttft p50"].change == pytest.approx(0.1, abs=0.03)
    assert found["ttft p50"].base == pytest.approx(np.exp(12) / 1000, rel=0.03)
    assert cells(figures(1, scale=1.1), figures(0))["ttft p50"].verdict == "better"


def test_the_effect_is_the_chance_of_being_larger() -> None:
    assert cells(figures(0), figures(1))["ttft p50"].effect == pytest.approx(0.5, abs=0.03)
    assert cells(figures(0), figures(1, scale=9))["ttft p50"].effect == 1.0
    same = figures(0)
    assert cells(same, same)["ttft p50"].effect == 0.5  # equal ones count half


def test_errors_are_compared_in_points() -> None:
    found = cells(figures(0), figures(1, errors=0.2))["error_rate"]
    assert (found.verdict, found.scale) == ("worse", "points")
    assert found.change == pytest.approx(0.2, abs=0.03)


def with_ttft(base: Figures, made: Samples) -> Figures:
    return replace(base, samples={**base.samples, "ttft": made})


ONLY_TTFT = Settings(metrics=(("ttft", (50.0, 99.0)),))


def reason(base: Figures, other: Figures, name: str) -> str:
    found = cells(base, other, ONLY_TTFT)[name]
    assert found.verdict == "cannot tell"
    return found.reason


def test_too_few_samples_are_named() -> None:
    few = figures(0, n=100)
    assert reason(few, figures(1), "ttft p99") == "too few samples: 100, p99 takes 662"
    assert cells(few, figures(1), ONLY_TTFT)["ttft p99"].base is not None
    assert reason(with_ttft(few, NONE), figures(1), "ttft p50") == "one of the runs has none"
    gaps = with_ttft(few, samples(np.arange(1000, 1100), 10))
    assert reason(gaps, gaps, "ttft p50") == "too few requests: 10, it takes 11"


def test_what_neither_has_is_no_cell() -> None:
    none = with_ttft(figures(0), NONE)
    assert not cells(none, none, ONLY_TTFT)
    unknown = replace(figures(0), tokens_known=False)
    assert "tokens_per_s" not in cells(unknown, figures(1))


def test_a_drift_is_refused() -> None:
    drift = with_ttft(figures(0), samples(np.linspace(1e5, 2e5, 2000)))
    assert "drifts" in reason(drift, figures(1), "ttft p50")


def test_rounds_that_differ_look_like_a_drift() -> None:
    rounds = joined([figures(seed, 600, scale) for seed, scale in ((0, 1.0), (1, 1.15), (2, 1.0))])
    assert "drifts" in reason(rounds, figures(3), "ttft p50")


def test_requests_that_hang_together_are_worth_fewer() -> None:
    dice = np.random.default_rng(0)
    waves = with_ttft(figures(0), samples(np.repeat(dice.lognormal(12, 0.3, 100), 20)))
    assert "2000 samples are worth" in reason(waves, waves, "ttft p99")


def test_lower_bounds_decide_only_one_way() -> None:
    base, slow = figures(0), figures(1, scale=3)
    slow = with_ttft(slow, replace(slow.samples["ttft"], bound_us=10))
    worse = cells(base, slow, ONLY_TTFT)["ttft p50"]
    assert (worse.verdict, worse.at_least) == ("worse", True)
    assert "timed out" in reason(slow, slow, "ttft p50")
    fast = with_ttft(figures(2), replace(figures(2).samples["ttft"], bound_us=10))
    assert "timed out" in reason(slow, fast, "ttft p50")
    assert cells(slow, base, ONLY_TTFT)["ttft p50"].verdict == "better"


def test_rates_need_a_window_and_answers() -> None:
    empty = replace(figures(0), slice_s=np.zeros(SLICES))
    assert "no measure window" in cells(empty, figures(1))["tokens_per_s"].reason
    few = replace(figures(0), slice_answers=np.eye(SLICES)[0] * 5)
    assert cells(few, figures(1))["requests_per_s"].reason == "too few answers: 5, it takes 11"


def test_default_metrics_are_all_known() -> None:
    assert set(DEFAULT_METRICS) <= {*LATENCIES, "tokens_per_s", "requests_per_s", "error_rate"}
