"""Tags: where they are looked for, and what is taken for one."""

from __future__ import annotations

import pytest

from tailrace.results.facts import ModelFacts
from tailrace.results.tags import number_tag, tags_of, text_tag

from . import builders


def test_each_model_has_those_of_its_place() -> None:
    one, two, three = (ModelFacts(name, name) for name in "abc")
    entries = [{"tags": {"size_mb": 1}}, {"alias": "b"}]
    facts = builders.facts(one, two, three, scenario={"entries": entries})
    assert [tags_of(facts, model) for model in (one, two, three)] == [{"size_mb": 1}, {}, {}]
    assert tags_of(builders.facts(one), one) == {}


def test_the_memory_that_was_seen_is_a_tag_unless_one_is_given() -> None:
    seen = {"peak_rss_bytes": 12_345_678, "source": "psutil"}
    one = ModelFacts("a", "a", tags={"size_mb": 1}, footprint=seen)
    two = ModelFacts("b", "b", tags={"rss_mb": 2}, footprint=seen)
    facts = builders.facts(one, two)
    assert tags_of(facts, one) == {"size_mb": 1, "rss_mb": 12.3}
    assert tags_of(facts, two) == {"rss_mb": 2}


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0.0), (1.5, 1.5), (-1, None), ("1", None), (True, None), (None, None), ([], None)],
)
def test_numbers(value: object, number: float | None) -> None:
    assert number_tag({"x": value}, "x") == number
    assert number_tag({"x": value}, "y") is None


@pytest.mark.parametrize(("value", "text"), [("MIT", "MIT"), (" ", None), ("", None), (3, None)])
def test_texts(value: object, text: str | None) -> None:
    assert text_tag({"x": value}, "x") == text
