from tailrace.results.render.columns import headline
from tailrace.results.render.table import by_model, rows

from .runs import failed_run


def test_one_level_each_and_one_for_the_model_that_failed(run):
    levels = rows(run.facts, run.results)
    assert [(level.model_index, level.users) for level in levels] == [
        *((model, users) for model in (0, 1) for users in (1, 2, 4, 8)),
        (2, None),
    ]
    assert levels[-1].state == "failed: model_not_found"
    assert [len(group) for group in by_model(levels)] == [4, 4, 1]


def test_numbers_are_those_of_the_documents(run):
    level = rows(run.facts, run.results)[7]
    stage = run.results[1]["stages"][3]
    ttft, figures = stage["metrics"]["ttft"], level.metrics["ttft"]
    assert figures.n == ttft["n"] == 691
    assert figures.percentiles["p50"].ms == ttft["percentiles"]["p50"]["value_ns"] / 1e6
    assert figures.percentiles["p99"].at_least
    assert not figures.percentiles["p95"].at_least
    assert figures.max.at_least
    assert not figures.min.at_least
    assert level.measured["timeout"] == level.measured["error"] == 9
    assert level.tokens_per_s == stage["rates"]["tokens_per_s"]
    assert level.at_asked == 0.98


def test_texts_are_safe_and_equal_names_add_up(run, hostile):
    level = rows(hostile.facts, hostile.results)[0]
    assert "\x1b" not in level.model
    assert "\n" not in level.model
    assert level.errors == {
        "line one line two [bold red]red[/] <img src=x onerror=alert(2)> | `~`": 3
    }
    assert rows(*_empty()).pop().model == "(no name)"


def _empty():
    run = failed_run("\x1b", "")
    return run.facts, run.results


def test_cancelled_has_a_column_only_where_there_are_any(run):
    levels = rows(run.facts, run.results)
    assert "canc" not in [column.title for column in headline(levels)]
    levels[0].measured["cancelled"] = 1
    try:
        assert "canc" in [column.title for column in headline(levels)]
    finally:
        levels[0].measured["cancelled"] = 0
