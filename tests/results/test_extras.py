"""What a model's document has beyond its measurement, and when it has none of it."""

from __future__ import annotations

from typing import Any

from tailrace.results.extras import add_extras
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.rubric import Rubric
from tailrace.results.rubric_sheet import Annotation

from .builders import document, facts, row

A = {"base_url": "http://a/v1"}


def extended(
    of: RunFacts, rubric: Rubric | None = None, **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document, and its one stage."""
    stage = document([row(1), row(2)]) | more
    found: dict[str, Any] = {"stages": [stage]}
    add_extras(found, of, ModelFacts("m", "m"), rubric)
    return found, stage


def test_without_prices_and_rubric_there_is_nothing_and_what_was_is_gone() -> None:
    before = document([row(1), row(2)])
    found, stage = extended(facts(), cost={"old": 1})
    assert stage == before
    found["quality"] = "old"
    add_extras(found, facts(), ModelFacts("m", "m"), None)
    assert list(found) == ["stages"]


def test_the_cost_of_each_stage() -> None:
    scenario = {"base_url": "http://h", "costs": {"watts": 100.0}}
    _, stage = extended(facts(scenario=scenario))
    assert stage["cost"]["watts"] == 100.0


def test_quality_is_the_models_own() -> None:
    texts = {("m", "r1"): "d"}
    mine = Annotation(2, "m", "1", "r1", "d", "ann", "", {"tone": 4}, "")
    found, _ = extended(facts(), Rubric([mine], [], texts))
    assert found["quality"]["human_mean"] == 4
    found, _ = extended(facts(), Rubric([], [], texts))
    assert "quality" not in found


def test_another_tools_measurement_has_no_audit() -> None:
    converted = facts(tool={"name": "guidellm", "converted_by": "tailrace 0"})
    _, stage = extended(converted)
    assert stage["audit"] == [
        {
            "name": "audit",
            "value": "none",
            "status": "warn",
            "why": "another tool measured this; nothing is known of its client's own health",
        }
    ]
    assert stage["stalls"] == document([row(1), row(2)])["stalls"]
    whole = document([row(1, gaps_ms=()), row(2, gaps_ms=())])
    add_extras({"stages": [whole]}, converted, ModelFacts("m", "m"), None)
    assert whole["stalls"] == {"gaps": None, "requests": None}


def test_groups_by_url_are_told_by_their_texts() -> None:
    reached = facts(scenario=A | {"reach": {"more_urls": ["http://b/v1"]}})
    _, stage = extended(reached, urls=[{"url": "0"}, {"url": "1"}, {"url": "2"}])
    texts = [group["base_url"] for group in stage["urls"]]
    assert texts == ["http://a/v1", "http://b/v1", "2"]
    _, stage = extended(facts(scenario=A), urls=[{"url": "0"}])
    assert stage["urls"] == [{"url": "0"}]


def test_the_version_of_http_where_another_was_asked_for() -> None:
    asked = facts(scenario=A | {"reach": {"http2": True}})
    assert extended(asked)[1]["http"] == {"1.1": 2}
    assert extended(asked, http={"2": 2})[1]["http"] == {"2": 2}
    assert "http" not in extended(facts(scenario=A | {"reach": {"http2": False}}))[1]
    nobody = document([])
    add_extras({"stages": [nobody]}, asked, ModelFacts("m", "m"), None)
    assert "http" not in nobody
