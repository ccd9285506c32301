"""Latency against throughput: of one model, of all, and of levels that were repeated."""

from __future__ import annotations

from dataclasses import replace

from tailrace.results.render.charts_trade import models_charts, trade_chart
from tailrace.results.render.table import by_model, rows


def test_the_models_of_a_run_are_on_one_chart(run) -> None:
    models = by_model(rows(run.facts, run.results))
    assert len(models) == 3  # of which one was not there
    (chart,) = models_charts(models)
    assert [trace["name"] for trace in chart.traces] == [levels[0].model for levels in models[:2]]
    assert [row[:2] for row in chart.rows[:4]] == [(models[0][0].model, n) for n in "1248"]
    for levels, trace in zip(models, chart.traces, strict=False):
        assert trace["x"] == [round(level.tokens_per_s, 6) for level in levels]
        p95 = [level.metrics["ttft"].percentiles["p95"].ms for level in levels]
        assert trace["y"] == [round(ms, 6) for ms in p95]


def test_one_model_alone_has_no_chart_of_models(run) -> None:
    measured, _, missing = by_model(rows(run.facts, run.results))
    assert models_charts([measured, missing]) == []


def test_one_load_alone_is_no_trade(run) -> None:
    levels = by_model(rows(run.facts, run.results))[0]
    assert trade_chart(levels, "m").traces
    assert not trade_chart(levels[:1], "m").traces


def test_no_line_runs_from_one_round_into_the_next(run) -> None:
    models = by_model(rows(run.facts, run.results))
    twice = [[replace(v, round=n) for n in (1, 2) for v in levels] for levels in models[:2]]
    (chart,) = models_charts(twice)
    assert [len(trace["x"]) for trace in chart.traces] == [4] * 4
    assert [trace["showlegend"] for trace in chart.traces] == [True, False] * 2
    assert {row[2] for row in chart.rows} == {1, 2}
