"""Trade charts: what each load buys and costs, of one model or of all of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tailrace.results.render.chart import Cell, Chart, Trace, axis, digits, line, log_axis
from tailrace.results.render.table import Level, by_round
from tailrace.results.render.text import safe_text

_TITLE = "Latency against throughput"
_COLUMNS = ("load", "round", "tokens_per_s", "ttft_p95_ms")
_LAYOUT = {
    "xaxis": axis("tokens/s", rangemode="tozero"),
    "yaxis": log_axis("TTFT p95 ms"),
}
_HOVER = "%{text}: %{x:.4~r} tokens/s, p95 %{y:.4~r} ms<extra></extra>"
_READ = "a point for each load: right is more, down is sooner."


def trade_chart(levels: Sequence[Level], key: str) -> Chart:
    """Of one model; drawn only where it has several loads."""
    traces = list(_lines(levels, "", 0))
    rows = [row for _, row in _points(levels)]
    about = f"TTFT p95 against throughput, {_READ}"
    layout = {**_LAYOUT, "showlegend": False}
    shown = traces if len(rows) > 1 else []
    return Chart(f"{key}-trade", _TITLE, about, shown, layout, _COLUMNS, rows=rows)


def models_charts(models: Sequence[Sequence[Level]]) -> list[Chart]:
    """All models of a run on one chart, where several have points: no table shows lines cross."""
    known = [levels for levels in models if any(_points(levels))]
    if len(known) < 2:
        return []
    traces: list[Trace] = []
    rows: list[Sequence[Cell]] = []
    for place, levels in enumerate(known):
        name = safe_text(levels[0].model, 60)
        traces += _lines(levels, name, place)
        rows += [(name, *row) for _, row in _points(levels)]
    about = (
        f"TTFT p95 against throughput, a line for each model, {_READ} Where lines cross, another "
        "model is the better one."
    )
    columns = ("model", *_COLUMNS)
    title = f"Models: {_TITLE[0].lower()}{_TITLE[1:]}"
    return [Chart("all-models", title, about, traces, _LAYOUT, columns, rows=rows, wide=True)]


def _points(levels: Sequence[Level]) -> Iterator[tuple[Level, tuple[Cell, ...]]]:
    """Levels that have both figures, and the lines of the CSV."""
    for level in levels:
        p95 = level.metrics["ttft"].percentiles["p95"] if level.reached else None
        if p95 is not None and p95.ms is not None and level.tokens_per_s is not None:
            rate = digits(level.tokens_per_s, 6)
            yield level, (level.load, level.round or None, rate, digits(p95.ms, 6))


def _lines(levels: Sequence[Level], name: str, colour: int) -> Iterator[Trace]:
    """One a round, so that none runs from one round into the next; the first has the name."""
    for place, same in enumerate(by_round(levels)):
        points = list(_points(same))
        yield line(
            name,
            [row[2] for _, row in points],
            [row[3] for _, row in points],
            colour,
            mode="lines+markers+text",
            text=[level.load for level, _ in points],
            textposition="top center",
            cliponaxis=False,
            hovertemplate=f"%{{fullData.name}} {_HOVER}" if name else _HOVER,
            showlegend=not place,
        )
