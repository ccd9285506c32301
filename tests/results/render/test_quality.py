"""Scores and costs as sheets: every figure with its n, marks on too few pairs, n/a for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from pprint import pformat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.cost import Prices, stage_cost
from tailrace.results.render.figures import amount
from tailrace.results.render.quality import cost_section, quality_section
from tailrace.results.render.section import Section
from tailrace.results.rubric import Rubric, model_quality
from tailrace.results.rubric_judge import Judged
from tailrace.results.rubric_sheet import Annotation

from ..golden_files import assert_golden
from ..test_cost import stage


def result(pairs, unscored=0):
    """A document with a person's and a judge's score for each pair."""
    people = [
        Annotation(2, "m", "1", f"r{n}", "d", "ann", "", {"tone": human}, "")
        for n, (human, _) in enumerate(pairs)
    ]
    lines = [
        Judged("m", f"r{n}", "1", "d", "j", "f", {"tone": score})
        for n, (_, score) in enumerate(pairs)
    ]
    lines += [
        Judged("m", f"u{n}", "1", "d", "j", "f", {}, {"tone": "not_json: x"})
        for n in range(unscored)
    ]
    return {"model": "m", "stages": [], "quality": model_quality(Rubric(people, lines, {}), "m")}


def cells(section):
    (sheet,) = section.sheets
    (row,) = sheet.rows
    return row


def test_few_pairs_are_marked() -> None:
    row = cells(quality_section([result([(4, 4), (2, 5)], unscored=3)]))
    assert row[:3] == ("m", "tone", "j")
    assert row[3:10] == ("2", "3.00", "1.41", "2", "4.50", "0.71", "3")
    assert row[10:] == ("2", "~50 %", "~50 %", "~-0.29")


def test_enough_pairs_are_not() -> None:
    row = cells(quality_section([result([(n % 5 + 1, n % 5 + 1) for n in range(10)])]))
    assert row[10:] == ("10", "100 %", "100 %", "1.00")


def test_people_alone_have_no_judge() -> None:
    rubric = Rubric([Annotation(2, "m", "1", "r", "d", "", "", {"tone": 4}, "")], [], {})
    section = quality_section([{"model": "m", "stages": [], "quality": model_quality(rubric, "m")}])
    assert cells(section)[2:7] == ("none", "1", "4.00", "n/a", "0")
    assert "people scored 1 of 1 rows ((not named) 1)" in section.remarks[0]


def test_what_a_judge_did_is_told_with_the_reasons() -> None:
    section = quality_section([result([(4, 4)], unscored=2)])
    assert "1 scores, 2 unscored (not_json 2); tokens not stated" in section.remarks[1]
    assert section.notes[2].startswith("agreement: ")


def test_nothing_said_is_no_section() -> None:
    assert quality_section([{"model": "m", "stages": []}]) is None
    assert cost_section([{"model": "m", "stages": [{"load": "1"}]}]) is None


def test_costs_with_their_formulas() -> None:
    one = stage() | {"load": "8"}
    prices = Prices(2.0, 8.0, 36.0, None, "EUR")
    section = cost_section([{"model": "m", "stages": [one | {"cost": stage_cost(prices, one)}]}])
    assert cells(section) == ("m", "8", "0.000600", "0.600", "90.0", "1.80")
    assert section.remarks == (
        "m: price_in 2.00 EUR and price_out 8.00 EUR (a million tokens), watts 36.0, price_kwh n/a;"
        " cost per request from tokens",
    )
    assert any(note.startswith("cost_per_request = (input tokens") for note in section.notes)


def test_a_cost_that_cannot_be_known_is_not_nought() -> None:
    one = stage() | {"load": "8"}
    cost = stage_cost(Prices(watts=36.0), one)
    section = cost_section([{"model": "m", "stages": [one | {"cost": cost}]}])
    assert cells(section)[2:] == ("n/a", "n/a", "90.0", "1.80")
    assert section.remarks[0].endswith("from nothing: no price was given")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "n/a"),
        (0, "0"),
        (0.0000131, "0.0000131"),
        (0.009996, "0.0100"),
        (0.0123, "0.0123"),
        (1234.0, "1234"),
    ],
)
def test_amounts(value, text) -> None:
    assert amount(value) == text


@given(st.floats(1e-12, 1e12))
def test_no_amount_prints_as_nought(value) -> None:
    assert float(amount(value)) == pytest.approx(value, rel=0.006)


def sections() -> Iterator[Section | None]:
    """Scores of two models by two judges, and costs by tokens, by power, and of neither."""
    people = [
        Annotation(2, "m", "1", f"r{n}", "d", who, "", {"tone": 1 + n % 5, "truth": 5}, "")
        for n, who in enumerate(("ann", "bob", "") * 5)
    ]
    people.append(Annotation(2, "m", "1", "old", "other", "ann", "", {"tone": 1}, ""))
    lines = [
        Judged("m", f"r{n}", "1", "d", judge, "f", {"tone": 1 + (n + shift) % 5}, {"truth": why})
        for n in range(12)
        for judge, shift, why in (("j" * 50, 0, "empty: no"), ("k", 1, "timeout"))
    ]
    lines[0].input_tokens, lines[0].output_tokens, lines[0].elapsed_ns = 70, 7, 1_500_000_000
    lines[1].error = "timeout"
    lines.append(Judged("n", "r1", "1", "d", "k", "f", {}, {"depth": "empty"}, constrained=True))
    texts = {("m", "old"): "d"}
    rubric = Rubric(people, lines, texts)
    found = [
        {"model": name, "stages": [], "quality": model_quality(rubric, name)} for name in "mno"
    ]
    yield quality_section(found)
    yield quality_section([{"model": "o", "stages": [], "quality": model_quality(rubric, "n")}])
    stages = []
    for number, prices in enumerate(
        (Prices(2.0, 8.0, 36.0, None, "EUR"), Prices(None, None, 36.0, 0.3), Prices(watts=5.0))
    ):
        one = stage() | {"load": str(number)}
        stages.append(one | {"cost": stage_cost(prices, one)})
    yield cost_section(
        [{"model": "m", "stages": stages}, {"model": "n", "stages": [{"load": "1"}]}]
    )
    yield cost_section([{"model": "m", "stages": stages[2:]}])


def test_all_that_is_said_of_scores_and_costs() -> None:
    text = "\n\n".join(pformat(each, width=110) for each in sections())
    assert_golden(Path(__file__).with_name("golden") / "quality.txt", text + "\n")
