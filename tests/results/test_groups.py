"""Groups: exact figures of small groups, and outliers by the stated rule."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.groups import (
    FEWEST_FOR_OUTLIERS,
    MOST_GROUPS,
    MOST_KEPT,
    MOST_OUTLIERS,
    OUTLIER_FACTOR,
    groups_of_stage,
)
from tailrace.results.schema import Row

from .builders import MS, row, tally, waited


def prompts(rows: list[Row]) -> list[dict[str, object]]:
    groups = groups_of_stage()["prompts"]
    for one in rows:
        groups.add(one)
    return groups.result()


def test_figures_of_each_prompt() -> None:
    rows = [row(10 * n, 100 + n, prompt="p2", id=f"a{n}") for n in range(20)]
    rows += [row(0, 50, (5, 5), prompt="p10", id="b"), waited("timeout", 900, prompt="p10")]
    two, ten = prompts(rows)
    assert (two["prompt"], two["n"], two["not_ok"]) == ("p2", 20, 0)
    assert two["ttft"] == {"mean_ns": 109.5 * MS, "p95_ns": 118 * MS, "p95_certified": False}
    assert two["e2e"] == {"mean_ns": 139.5 * MS, "p95_ns": 148 * MS, "p95_certified": False}
    assert two["output_tokens"] == {"mean": 4.0, "p95": 4, "p95_certified": False}
    assert two["outliers"] == {"requests": 0, "listed": []}
    assert (ten["prompt"], ten["n"], ten["not_ok"]) == ("p10", 1, 1)


def test_an_outlier_is_named_with_what_is_odd_about_it() -> None:
    rows = [row(0, 100 + n, prompt="p", id=f"r{n}") for n in range(11)]
    rows += [row(0, 300, prompt="p", id="late"), row(0, 90, (100,), prompt="p", id="few")]
    rows += [row(0, prompt="q")]
    (found, _) = prompts(rows)
    assert found["outliers"]["listed"] == [  # type: ignore[index]
        {"id": "few", "metric": "output_tokens", "value": 2},
        {"id": "late", "metric": "ttft", "value_ns": 300 * MS},
        {"id": "late", "metric": "e2e", "value_ns": 330 * MS},
        {"id": "few", "metric": "e2e", "value_ns": 190 * MS},
    ]
    assert found["outliers"]["requests"] == 2  # type: ignore[index]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_the_rule_is_the_one_that_is_stated(firsts: list[int]) -> None:
    rows = [row(0, first, (), prompt="p", id=str(n)) for n, first in enumerate(firsts)]
    found = prompts([*rows, row(0, prompt="q"), row(0, prompt="q")])[0]
    middle = statistics.median(firsts)
    mad = statistics.median(abs(first - middle) for first in firsts)
    enough = len(firsts) >= FEWEST_FOR_OUTLIERS
    off = {str(n) for n, f in enumerate(firsts) if abs(f - middle) > OUTLIER_FACTOR * mad}
    wanted = off if enough else set()
    assert found["outliers"]["requests"] == len(wanted)  # type: ignore[index]
    listed = [one for one in found["outliers"]["listed"] if one["metric"] == "ttft"]  # type: ignore[index]
    assert {one["id"] for one in listed} <= wanted
    assert found["ttft"]["mean_ns"] == pytest.approx(statistics.mean(firsts) * MS)  # type: ignore[index]
    p95 = np.percentile(firsts, 95, method="inverted_cdf")
    assert found["ttft"]["p95_ns"] == p95 * MS  # type: ignore[index]


def test_many_outliers_are_counted_and_some_are_listed() -> None:
    rows = [row(0, 100, prompt="p", id=f"r{n}") for n in range(100)]
    rows += [row(0, 200 + n, prompt="p", id=f"o{n}") for n in range(40)]
    found = prompts([*rows, row(0, prompt="q")])[0]
    assert found["outliers"]["requests"] == 40  # type: ignore[index]
    assert len(found["outliers"]["listed"]) == MOST_OUTLIERS  # type: ignore[index]


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["a", "a"], 0),
        (["a", "b", "c"], 0),
        (["a", "b", "b"], 2),
        ([""] * 9, 0),
        ([f"p{n}" for n in range(MOST_GROUPS)] * 2, MOST_GROUPS),
        ([f"p{n}" for n in range(MOST_GROUPS + 1)] * 2, 0),
    ],
)
def test_prompts_are_told_apart_where_there_are_a_few(ids: list[str], told: int) -> None:
    assert len(prompts([row(n, prompt=name) for n, name in enumerate(ids)])) == told


def test_a_request_without_output_counts_and_has_no_times() -> None:
    rows = [row(0, None, prompt="p"), row(0, None, prompt="p"), row(0, prompt="q")]
    found = prompts(rows)[0]
    assert found["n"] == 2
    assert found["ttft"] == {"mean_ns": None, "p95_ns": None, "p95_certified": False}


def test_only_measured_rows_and_only_where_kept() -> None:
    made = tally(row(0, prompt="a"), row(0, prompt="b"))
    assert made.groups == {}


def test_models_of_a_mix() -> None:
    groups = groups_of_stage()["mix"]
    for model in ("base", "lora-a", "base", None):
        groups.add(row(0, model=model))
    assert [(one["model"], one["n"]) for one in groups.result()] == [("base", 2), ("lora-a", 1)]


def test_of_a_large_group_every_so_many_are_kept_and_all_are_counted() -> None:
    n = 4 * MOST_KEPT + 1
    rows = [row(0, 100 + number % 10, prompt="p", id=f"r{number}") for number in range(n)]
    rows[8] = row(0, 900, prompt="p", id="kept")
    rows[9] = row(0, 900, prompt="p", id="not kept")
    (found, small) = prompts([*rows, row(0, prompt="q", id="q0"), row(0, prompt="q", id="q1")])
    assert (found["n"], found["not_ok"], found["kept_of_every"]) == (n, 0, 8)
    assert (small["n"], small["kept_of_every"]) == (2, 1)
    firsts = [one.first_output_ns - one.sent_ns for one in rows]  # type: ignore[operator]
    assert found["ttft"]["mean_ns"] == pytest.approx(statistics.mean(firsts), abs=0.05)  # type: ignore[index]
    assert found["ttft"]["p95_ns"] == 108 * MS  # type: ignore[index]
    ids = {one["id"] for one in found["outliers"]["listed"]}  # type: ignore[index]
    assert ids == {"kept"}


def test_several_urls_and_peers_are_told_apart() -> None:
    groups = groups_of_stage()
    for url, peer in ((0, "a:1"), (1, "b:2"), (1, None), (10, "a:1"), (2, "a:1")):
        for each in (groups["urls"], groups["peers"]):
            each.add(row(0, url=url, peer=peer))
    urls, peers = groups["urls"].result(), groups["peers"].result()
    assert [(one["url"], one["n"]) for one in urls] == [("0", 1), ("1", 2), ("2", 1), ("10", 1)]
    assert [(one["peer"], one["n"]) for one in peers] == [("a:1", 3), ("b:2", 1)]
    alone = groups_of_stage()
    for _ in range(3):
        alone["urls"].add(row(0))
        alone["peers"].add(row(0, peer="a:1"))
    assert (alone["urls"].result(), len(alone["peers"].result())) == ([], 1)


def test_what_is_furthest_off_for_its_metric_is_listed_first() -> None:
    """19 ms where 1 is usual is more than 160 ms where 20 is."""
    rows = [row(0, 500 + n % 3, (100 + 20 * (n % 5),), prompt="p", id=f"r{n}") for n in range(15)]
    rows += [row(0, 501, (300,), prompt="p", id="e2e"), row(0, 520, (140,), prompt="p", id="ttft")]
    listed = prompts([*rows, row(0, prompt="q")])[0]["outliers"]["listed"]  # type: ignore[index]
    assert [(one["id"], one["metric"]) for one in listed] == [("ttft", "ttft"), ("e2e", "e2e")]


def test_a_metric_that_few_have_leaves_the_others_told() -> None:
    rows = [
        row(0, None, last_output_ns=(100 + n) * MS, streamed=False, prompt="p", id=f"r{n}")
        for n in range(12)
    ]
    rows += [row(0, None, last_output_ns=900 * MS, streamed=False, prompt="p", id="late")]
    found = prompts([*rows, row(0, prompt="q")])[0]
    assert found["ttft"]["mean_ns"] is None  # type: ignore[index]
    assert [one["id"] for one in found["outliers"]["listed"]] == ["late"]  # type: ignore[index]
