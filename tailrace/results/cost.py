"""Cost and footprint of a level: money by tokens or by power, energy by time. Pure.

Rule: a figure whose inputs are not all there is None and is printed n/a, never 0. Token prices need
the server's own counts of every measured answer: an estimate of what is paid for is no bill. Where
there are no token prices, the money is the electricity's, if its price and the power were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.tags import number_tag, tags_of, text_tag

Basis = Literal["tokens", "electricity"]
JOULES_PER_KWH = 3_600_000
NUMBERS: dict[str, tuple[str, ...]] = {
    "price_in": ("price_in", "price_per_mtok_in"),
    "price_out": ("price_out", "price_per_mtok_out"),
    "watts": ("watts",),
    "price_kwh": ("price_kwh",),
}
"""What is given -> its names among the options and in a models file; the first that is there."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What was given: prices of a million tokens, power, and its price. None is not known."""

    price_in: float | None = None
    price_out: float | None = None
    watts: float | None = None
    price_kwh: float | None = None
    currency: str | None = None

    @property
    def given(self) -> bool:
        """Whether anything can be worked out."""
        return (self.price_in, self.price_out, self.watts) != (None, None, None)

    @property
    def basis(self) -> Basis | None:
        """What the money is worked out from."""
        if self.price_in is not None or self.price_out is not None:
            return "tokens"
        return None if self.watts is None or self.price_kwh is None else "electricity"


def prices_of(facts: RunFacts, model: ModelFacts) -> Prices:
    """Of one model: the run's options, else the model's tags."""
    places = (facts.scenario.get("costs") or {}, tags_of(facts, model))

    def first(names: tuple[str, ...]) -> float | None:
        found = (number_tag(place, name) for place in places for name in names)
        return next((value for value in found if value is not None), None)

    currency = next((word for place in places if (word := text_tag(place, "currency"))), None)
    numbers = {name: first(names) for name, names in NUMBERS.items()}
    return Prices(**numbers, currency=currency)


def stage_cost(prices: Prices, stage: Mapping[str, Any]) -> dict[str, Any] | None:
    """The figures of one level, from its result document; None where nothing was given."""
    if not prices.given:
        return None
    window = stage["window"]
    joules = _product(prices.watts, window["seconds"])
    joules_per_request = _ratio(joules, window.get("requests"))
    if prices.basis == "electricity":
        per_request = _electricity(prices, joules_per_request)
    else:
        per_request = _ratio(_money(prices, stage), stage["counts"]["measured"]["ok"])
    return {
        "currency": prices.currency,
        **{name: getattr(prices, name) for name in NUMBERS},
        "basis": prices.basis,
        "cost_per_request": per_request,
        "cost_per_1000_requests": _product(per_request, 1_000),
        "joules_per_request": joules_per_request,
        "joules_per_output_token": _ratio(joules, window.get("tokens")),
    }


def _electricity(prices: Prices, joules: float | None) -> float | None:
    return _product(prices.price_kwh, None if joules is None else joules / JOULES_PER_KWH)


def _money(prices: Prices, stage: Mapping[str, Any]) -> float | None:
    """What the tokens of all measured answers cost together."""
    parts = (
        _paid(prices.price_in, _counted(stage, "input")),
        _paid(prices.price_out, _counted(stage, "output")),
    )
    return None if None in parts else sum(part for part in parts if part is not None)


def _paid(price: float | None, tokens: int | None) -> float | None:
    return 0.0 if price == 0 else _product(price, None if tokens is None else tokens / 1_000_000)


def _counted(stage: Mapping[str, Any], kind: str) -> int | None:
    """Tokens of all measured answers, where the server counted every one of them."""
    tokens: Mapping[str, Any] = stage["tokens"]
    answers = stage["counts"]["measured"]["ok"]
    if not answers or tokens["source"].get("usage") != answers:
        return None
    count: int = tokens[kind]
    return count


def _product(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else a / b
