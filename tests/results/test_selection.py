"""The selection table: one level for all, n/a for what is not known, a row for who failed."""

from __future__ import annotations

import pytest

from tailrace.errors import UsageError
from tailrace.results.selection import COLUMNS, failed_share, select

from .documents import FAST, SLOW, failed, model, ran, result, stage

A = (model("a", "1", "8"), result("a", stage("1", FAST), stage("8", FAST)))
B = (model("b", "1", "8"), result("b", stage("1", SLOW), stage("8", SLOW)))


def by_name(found):
    return {one.model: one for one in found.candidates}


def test_the_highest_level_that_all_have() -> None:
    short = (model("c", "1"), result("c", stage("1", SLOW)))
    assert select([ran(A, B)]).at == "8"
    assert select([ran(A, short)]).at == "1"
    assert select([ran(A, failed())]).at == "8"


def test_figures_are_of_the_level() -> None:
    two = (model("a", "1", "8"), result("a", stage("1", FAST), stage("8", SLOW)))
    one = by_name(select([ran(two)], "8"))["a"]
    assert one.values["ttft_p50_ms"] == 80.0
    assert one.values["e2e_p95_ms"] == 1000.0
    assert one.values["tokens_per_s"] == 400.0
    assert one.values["failed_share"] == 0.0
    assert by_name(select([ran(two)], "1"))["a"].values["ttft_p50_ms"] == 50.0


def test_a_level_that_nobody_has() -> None:
    with pytest.raises(UsageError, match=r"--at '4' is no level .* there is: 1, 8"):
        select([ran(A)], "4")


def test_no_level_in_common() -> None:
    other = (model("c", "50/s"), result("c", stage("50/s", SLOW)))
    with pytest.raises(UsageError, match=r"no level in common \(1, 8; 50/s\).*--at"):
        select([ran(A, other)])
    found = by_name(select([ran(A, other)], "50/s"))
    assert found["a"].state == "no level 50/s"
    assert found["a"].values["ttft_p50_ms"] is None
    assert found["c"].values["ttft_p50_ms"] == 80.0


def test_who_failed_keeps_its_row_and_its_reason() -> None:
    found = by_name(select([ran(A, failed())]))
    assert found["ghost"].state == "failed: model_not_found"
    assert found["ghost"].pareto is None
    assert set(found["ghost"].values.values()) == {None}
    assert found["a"].pareto is True


def test_when_all_failed_there_are_still_rows() -> None:
    found = select([ran(failed("x"), failed("y"))])
    assert found.at is None
    assert [one.model for one in found.candidates] == ["x", "y"]


def test_what_is_known_beside_the_figures() -> None:
    tags = [{"size_mb": 400, "rss_mb": 512.5, "license": "Apache-2.0"}, {}]
    cost = {"currency": "EUR", "cost_per_1000_requests": 0.5, "joules_per_request": 7.0}
    a = result("a", stage("8", FAST, cost=cost), quality={"human_mean": 4.5, "judge_mean": None})
    found = by_name(select([ran((model("a", "8"), a), B, tags=tags)]))
    one, other = found["a"], found["b"]
    assert one.license == "Apache-2.0"
    assert (one.values["size_mb"], one.values["rss_mb"]) == (400.0, 512.5)
    assert (one.values["human_mean"], one.values["judge_mean"]) == (4.5, None)
    assert (one.values["cost_per_1000_requests"], one.currency) == (0.5, "EUR")
    assert other.license is None
    assert other.values["size_mb"] is None


def test_the_mark() -> None:
    assert [one.pareto for one in select([ran(A, B)]).candidates] == [True, False]
    small = ran(A, B, tags=[{"size_mb": 900}, {"size_mb": 90}])
    assert [one.pareto for one in select([small]).candidates] == [True, True]
    unknown = ran(A, B, tags=[{}, {"size_mb": 90}])  # known of one alone: it decides nothing
    assert [one.pareto for one in select([unknown]).candidates] == [True, False]
    assert {c.key for c in select([unknown]).compared} == {
        *("ttft_p50_ms", "e2e_p95_ms", "tokens_per_s", "failed_share", "size_mb")
    }


def test_an_invalid_run_is_shown_and_not_compared() -> None:
    found = select([ran(A, label="good"), ran(B, label="bad", valid=False)])
    assert [(one.state, one.pareto) for one in found.candidates] == [
        ("ok", True),
        ("INVALID", None),
    ]
    assert any("bad is INVALID" in note for note in found.notes)


def test_two_currencies_are_not_compared() -> None:
    def priced(name: str, currency: str | None):
        cost = {"currency": currency, "cost_per_1000_requests": 1.0}
        return model(name, "8"), result(name, stage("8", FAST, cost=cost))

    found = select([ran(priced("a", "EUR"), priced("b", "USD"))])
    assert "cost_per_1000_requests" not in {column.key for column in found.compared}
    assert "EUR, USD" in found.notes[0]
    same = select([ran(priced("a", "EUR"), priced("b", "EUR"))])
    assert "cost_per_1000_requests" in {column.key for column in same.compared}


def test_the_columns_that_one_chooses_by() -> None:
    assert {column.key for column in COLUMNS} >= {
        *("ttft_p50_ms", "e2e_p95_ms", "tokens_per_s", "rss_mb", "size_mb"),
        *("human_mean", "judge_mean", "cost_per_1000_requests"),
    }


def test_what_is_said_of_runs_that_are_not_compared() -> None:
    assert select([ran(A, valid=False)]).notes == (
        "the run is INVALID: its models are shown and not compared",
    )
    assert select([ran(A, label="one"), ran(B, label="two", valid=False)]).notes == (
        "two is INVALID: its models are shown and not compared",
    )


def test_costs_without_a_currency_are_one_of_their_own() -> None:
    def priced(name: str, currency: str | None, cost: float | None = 1.0):
        found = {"currency": currency, "cost_per_1000_requests": cost, "joules_per_request": 2.5}
        return model(name, "8"), result(name, stage("8", FAST, cost=found))

    found = select([ran(priced("a", "EUR"), priced("b", None), priced("c", "USD", None))])
    assert found.notes == (
        "costs are in different currencies (EUR, none named), so they took no part in the mark",
    )
    assert [one.values["joules_per_request"] for one in found.candidates] == [2.5] * 3


def test_whole_rows_of_those_that_failed_and_those_that_did_not() -> None:
    judged = result("a", stage("8", FAST), quality={"human_mean": None, "judge_mean": 3.5})
    bare = model("x", status="failed", error="it broke")
    never = model("y", status="interrupted", error="not told")
    found = select([ran((model("a", "8"), judged), failed(), (bare, result("x")))], "8")
    a, ghost, x = found.candidates
    assert (a.values["judge_mean"], a.reason, a.run) == (3.5, None, "run")
    assert a.marks == dict.fromkeys(a.marks, (True, False))
    assert set(a.marks) >= {"ttft_p50_ms", "e2e_p95_ms"}
    assert (ghost.state, ghost.reason) == ("failed: model_not_found", "no such model")
    assert (x.state, x.reason, x.marks) == ("failed", "it broke", {})
    (y,) = select([ran((never, result("y")))]).candidates
    assert (y.state, y.reason) == ("interrupted", None)


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ({"started": 100, "error": 1, "timeout": 2, "censored": 4}, 0.07),
        ({"started": 4, "error": 1, "timeout": 0, "censored": 0}, 0.25),
        ({"started": 0, "error": 0, "timeout": 0, "censored": 0}, None),
    ],
)
def test_the_share_that_failed(counts: dict[str, int], share: float | None) -> None:
    assert failed_share({"counts": {"measured": counts}}) == share


def test_levels_that_are_not_there_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        select([ran(failed())], "4")
    assert str(caught.value) == "--at '4' is no level that was measured; there is: none"
    other = (model("c", "50/s"), result("c", stage("50/s", SLOW)))
    with pytest.raises(UsageError) as caught:
        select([ran(A, other, A)])
    assert str(caught.value) == (
        "the models have no level in common (1, 8; 50/s); choose one with --at, and those "
        "without it are n/a"
    )
