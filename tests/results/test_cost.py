"""Cost and energy: worked by hand, and nothing where an input is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.cost import Prices, prices_of, stage_cost
from tailrace.results.facts import ModelFacts

from . import builders


def stage(**more: Any) -> dict[str, Any]:
    """Ten answers of 100 input and 50 output tokens each, in 20 s."""
    made: dict[str, Any] = {
        "window": {"seconds": 20.0, "requests": 8, "tokens": 400.0},
        "counts": {"measured": {"ok": 10}},
        "tokens": {"source": {"usage": 10}, "input": 1_000, "output": 500},
    }
    return made | more


def cost(prices: Prices, **more: Any) -> dict[str, Any]:
    found = stage_cost(prices, stage(**more))
    assert found is not None
    return found


def test_by_tokens() -> None:
    found = cost(Prices(price_in=2.0, price_out=8.0, currency="EUR"))
    assert found["cost_per_request"] == pytest.approx((1_000 * 2 + 500 * 8) / 1e6 / 10)
    assert found["cost_per_1000_requests"] == pytest.approx(0.6)
    assert (found["basis"], found["currency"]) == ("tokens", "EUR")
    assert (found["joules_per_request"], found["joules_per_output_token"]) == (None, None)


def test_by_power() -> None:
    found = cost(Prices(watts=36.0, price_kwh=0.3))
    assert found["joules_per_request"] == 36 * 20 / 8
    assert found["joules_per_output_token"] == 36 * 20 / 400
    assert found["cost_per_request"] == pytest.approx(90 / 3_600_000 * 0.3)
    assert found["basis"] == "electricity"


def test_power_alone_is_energy_and_no_money() -> None:
    found = cost(Prices(watts=36.0))
    assert found["joules_per_request"] == 90
    assert (found["cost_per_request"], found["basis"]) == (None, None)


def test_token_prices_come_before_electricity() -> None:
    found = cost(Prices(2.0, 8.0, 36.0, 0.3))
    assert found["basis"] == "tokens"
    assert found["cost_per_request"] == pytest.approx(0.0006)


@pytest.mark.parametrize("prices", [Prices(), Prices(price_kwh=0.3), Prices(currency="EUR")])
def test_nothing_given_is_nothing(prices: Prices) -> None:
    assert stage_cost(prices, stage()) is None


@pytest.mark.parametrize(
    ("prices", "more"),
    [
        (Prices(price_in=2.0), {}),  # the other price is not known
        (Prices(price_out=8.0), {}),
        (Prices(2.0, 8.0), {"tokens": {"source": {"usage": 9, "counted": 1}, "input": 9}}),
        (Prices(2.0, 8.0), {"tokens": {"source": {}, "input": 0, "output": 0}}),
        (Prices(2.0, 8.0), {"counts": {"measured": {"ok": 0}}}),
        (Prices(watts=9.0, price_kwh=1.0), {"window": {"seconds": None}}),
        (Prices(watts=9.0, price_kwh=1.0), {"window": {"seconds": 2.0, "requests": 0}}),
    ],
)
def test_an_input_that_is_missing_leaves_no_figure(prices: Prices, more: dict[str, Any]) -> None:
    assert cost(prices, **more)["cost_per_request"] is None


def test_what_is_free_needs_no_count() -> None:
    found = cost(Prices(0.0, 0.0), tokens={"source": {"unknown": 10}})
    assert found["cost_per_request"] == 0.0


def test_options_beat_tags_and_both_names_of_a_price_are_known() -> None:
    tags = {"price_in": 1, "price_per_mtok_out": 4.0, "watts": 7, "currency": "EUR"}
    model = ModelFacts("m", "m")
    facts = builders.facts(
        model, scenario={"costs": {"watts": 9.0}, "entries": [{"alias": "m", "tags": tags}]}
    )
    assert prices_of(facts, model) == Prices(1.0, 4.0, 9.0, None, "EUR")


@pytest.mark.parametrize("value", ["1", True, -1, float("nan"), float("inf"), None, [1]])
def test_a_tag_that_is_no_amount_is_not_known(value: object) -> None:
    model = ModelFacts("m", "m")
    facts = builders.facts(model, scenario={"entries": [{"tags": {"price_in": value}}]})
    assert prices_of(facts, model) == Prices()


@pytest.mark.parametrize("entries", [None, [], [{}], ["m"], [{"tags": None}], {}, "x"])
def test_entries_without_tags_give_none(entries: object) -> None:
    model = ModelFacts("m", "m")
    assert prices_of(builders.facts(model, scenario={"entries": entries}), model) == Prices()
