"""Charts: what is drawn of a model, and that the data to take away are the data that are drawn."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tailrace.results.render.chart import Chart, line
from tailrace.results.render.charts import model_charts
from tailrace.results.render.detail import Detail
from tailrace.results.render.table import by_model, rows

from ..builders import row, run_folder, waited

ROWS = [row(sent_ms=20 * n, id=f"r{n}") for n in range(100)]


def charts(path: Path, *more) -> dict[str, Chart]:
    facts, results, _ = run_folder(path, [*ROWS, *more]).rebuild()
    made = model_charts(rows(facts, results), results[0], "m", Detail())
    return {chart.key: chart for chart in made}


def test_a_run_has_each_chart_once_and_all_of_it_is_json(tmp_path: Path) -> None:
    made = charts(tmp_path)
    assert list(made) == [
        *("m-ttft-load", "m-icl-load", "m-tokens"),
        *("m-ttft-percentiles", "m-icl-percentiles", "m-e2e-percentiles"),
        *("m-ttft-time", "m-gaps-time", "m-load-time", "m-ended-time", "m-requests"),
    ]
    for chart in made.values():
        assert chart.about.endswith(".")
        assert {len(each) for each in chart.rows} == {len(chart.columns)} or chart.table != "rows"
        orjson.dumps(chart)


def test_levels_of_two_models_are_drawn_by_load(run) -> None:
    levels = rows(run.facts, run.results)
    for group, result in list(zip(by_model(levels), run.results, strict=True))[:2]:
        ttft, _, tokens, trade = model_charts(group, result, "m", Detail())
        assert [trace["name"] for trace in ttft.traces] == ["p50", "p95", "p99"]
        assert ttft.traces[0]["x"] == ["1", "2", "4", "8"]
        assert ttft.traces[0]["y"][0] == round(group[0].metrics["ttft"].percentiles["p50"].ms, 3)
        assert tokens.layout["xaxis"]["categoryarray"] == ["1", "2", "4", "8"]
        assert trade.traces[0]["text"] == ["1", "2", "4", "8"]
    symbols = ttft.traces[2]["marker"]["symbol"]
    assert symbols[0] == "circle-open"  # p99 of 70 requests
    assert symbols[-1] == "triangle-up"  # some timed out


def test_what_failed_is_a_bar_of_its_own(tmp_path: Path) -> None:
    failed = row(sent_ms=500, id="x", outcome="error", error_class="reset<b>")
    cut = waited("timeout", 900, sent_ns=600_000_000, id="cut")
    made = charts(tmp_path, failed, cut)
    bars = {trace["name"]: trace for trace in made["m-ended-time"].traces}
    width_s = bars["ok"]["x"][1] - bars["ok"]["x"][0]
    assert next(iter(bars)) == "ok"
    assert "reset<b>" in bars
    assert sum(bars["ok"]["y"]) * width_s == pytest.approx(100, rel=0.02)
    assert sum(bars["reset<b>"]["y"]) * width_s == pytest.approx(1, rel=0.02)
    shown = {trace["name"]: trace for trace in made["m-requests"].traces}
    assert len(shown["failed or cut off"]["x"]) >= 1


def test_a_result_of_an_earlier_version_lacks_what_it_does_not_know(run) -> None:
    levels = [level for level in rows(run.facts, run.results) if level.model_index == 0]
    assert [chart.key for chart in model_charts(levels, run.results[0], "m", Detail())] == [
        *("m-ttft-load", "m-icl-load", "m-tokens", "m-trade"),
    ]


def test_charts_over_time_have_one_axis(tmp_path: Path) -> None:
    made = charts(tmp_path)
    over_time = [chart for key, chart in made.items() if key.endswith("-time")]
    reaches = {tuple(chart.layout["xaxis"]["range"]) for chart in over_time}
    assert len(reaches) == 1
    ((low, high),) = reaches
    assert low == 0 < high
    assert "range" not in made["m-requests"].layout["xaxis"]


def test_lines_beyond_the_eighth_are_told_apart() -> None:
    lines = [line("", [], [], number) for number in range(32)]
    assert len({(each["colour"], each["line"]["dash"]) for each in lines}) == 32
