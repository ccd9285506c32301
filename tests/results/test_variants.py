"""Variants: deltas by hand, and a refusal when the two were not asked the same."""

from __future__ import annotations

import math
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.results.variants import Delta, Side, Value, compare, differences, short

from . import builders
from .documents import FAST, SLOW, model, percentile, result, stage
from .golden_files import assert_golden

LEVELS = [{"users": 8, "when_full": "queue"}]
SCENARIO: dict[str, Any] = {
    "base_url": "http://a/v1",
    "models": ["m"],
    "levels": LEVELS,
    "prompts": ["Why?"],
    "max_tokens": 64,
    "temperature": 0.0,
    "seed": 0,
    "salt": "aa",
}


def side(label: str, *stages: dict[str, Any], **more: Any) -> Side:
    scenario = SCENARIO | more.pop("scenario", {})
    quality = {"quality": more.pop("quality")} if "quality" in more else {}
    valid = more.pop("valid", True)
    one = model("m", *(s["load"] for s in stages))
    facts = builders.facts(one, scenario=scenario, **more)
    return Side(label, facts, one, result("m", *stages, **quality), valid)


A = side("gpu-off", stage("8", SLOW))
B = side("gpu-on", stage("8", FAST))


def deltas(first: Side, second: Side) -> dict[str, Delta]:
    (level,) = compare(first, second).levels
    return {delta.name: delta for delta in level.deltas}


def test_the_change_is_second_minus_first() -> None:
    found = deltas(A, B)
    ttft = found["TTFT p50"]
    assert (ttft.first.value, ttft.second.value, ttft.change) == (80.0, 50.0, -30.0)
    assert ttft.ratio == -0.375
    assert found["tokens/s"].change == 500.0
    assert found["tokens/s"].ratio == 1.25
    assert found["failed"].change == 0.0
    assert found["failed"].ratio is None  # of nought there is no share
    assert {"TTFT p95", "gap p50", "E2E p95", "E2E p99"} <= set(found)


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ({"prompts": ["Why not?"]}, r'prompts \(\["Why\?"\] / \["Why not\?"\]\)'),
        ({"max_tokens": 32}, r"max_tokens \(64 / 32\)"),
        ({"temperature": 0.7}, r"temperature \(0.0 / 0.7\)"),
        ({"seed": 1}, r"seed \(0 / 1\)"),
        ({"levels": [{"users": 4}]}, r'levels \(\[\{"users": 8\}\] / \[\{"users": 4\}\]\)'),
        ({"something_new": 1}, r"something_new \(null / 1\)"),
        ({"system": "Be brief."}, r'system \(null / "Be brief."\)'),
    ],
)
def test_what_was_asked_differently_is_refused_and_named(
    scenario: dict[str, Any], said: str
) -> None:
    other = side("other", stage("8", FAST), scenario=scenario)
    with pytest.raises(UsageError, match=f"gpu-off and other cannot be compared.*{said}"):
        compare(A, other)


@pytest.mark.parametrize(
    "scenario",
    [
        {"base_url": "http://b/v1"},
        {"models": ["n"]},
        {"salt": "bb"},
        {"label": "gpu-on"},
        {"costs": {"watts": 9}},
        {"entries": [{"alias": "n"}]},
        {"keep_text": True},
    ],
)
def test_where_and_as_what_it_is_served_may_differ(scenario: dict[str, Any]) -> None:
    other = side("other", stage("8", FAST), scenario=scenario)
    assert differences(A.facts, other.facts) == []
    assert compare(A, other).levels


def test_no_level_in_common() -> None:
    with pytest.raises(UsageError, match=r"no load level.*gpu-off has 8; empty has none"):
        compare(A, side("empty"))
    with pytest.raises(UsageError, match="--at '4' is no level of both; there is: 8"):
        compare(A, B, "4")


def test_what_is_of_no_level_is_left_out_when_nobody_knows_it() -> None:
    assert compare(A, B).whole == ()
    judged = side("judged", stage("8", FAST), quality={"human_mean": 4.0, "judge_mean": None})
    (delta,) = compare(A, judged).whole
    assert (delta.name, delta.second.value, delta.change) == ("quality (people)", 4.0, None)


def test_what_a_reader_must_know() -> None:
    other = side("other", stage("8", FAST), valid=False, host={"cpu": "d"}, engine={"stamps": "u"})
    notes = "\n".join(compare(A, other).notes)
    assert "other is of an INVALID run" in notes
    assert 'the host differs: cpu ("c" / "d")' in notes
    assert "stamps are None in gpu-off and u in other" in notes
    assert compare(A, B).notes == ()


@pytest.mark.parametrize(
    ("first", "second", "bound", "change"),
    [
        (False, False, "", 10.0),
        (False, True, "at least", 10.0),
        (True, False, "at most", 10.0),
        (True, True, "unknown", None),
    ],
)
def test_a_lower_bound_bounds_the_change(
    first: bool, second: bool, bound: str, change: float | None
) -> None:
    delta = Delta("x", "ms", "lower", Value(10.0, True, first), Value(20.0, True, second))
    assert (delta.bound, delta.change) == (bound, change)


def test_marks_come_from_the_documents() -> None:
    loose = stage("8", FAST)
    loose["metrics"]["ttft"]["percentiles"]["p99"] = percentile(9.0, certified=False)
    found = deltas(A, side("loose", loose))
    assert found["TTFT p99"].certified is False
    assert found["TTFT p50"].certified is True


number = st.just(0.0) | st.floats(1e-6, 1e6) | st.none()


@given(number, number)
def test_turned_round_the_change_turns_its_sign(a: float | None, b: float | None) -> None:
    one = Delta("x", "ms", "lower", Value(a), Value(b))
    other = Delta("x", "ms", "lower", Value(b), Value(a))
    if a is None or b is None:
        assert one.change is other.change is None
        assert one.ratio is None
        assert one.known == (a is not None or b is not None)
    else:
        assert one.change == -other.change  # type: ignore[operator]
        assert one.ratio is None or math.isclose(a * (1 + one.ratio), b, abs_tol=1e-6)


def test_the_whole_comparison() -> None:
    """Costs, quality, sizes, machines and tools that differ, and a bound on one side."""

    def known(label: str, figures: dict[str, float], n: int, **more: Any) -> Side:
        cost = {"cost_per_1000_requests": 0.5 * n, "joules_per_request": 7.0 * n}
        one = stage("8", figures, cost=cost)
        one["metrics"]["e2e"]["percentiles"]["p99"] = percentile(900.0, False, n == 1)
        tags = {"entries": [{"tags": {"size_mb": 100 * n, "rss_mb": 10 * n}}]}
        host = {"cpu": "c" * 118, "cpus": n, "memory": n, "system": n, "kernel": n, "same": 1}
        made: dict[str, Any] = {
            **{"host": host, "tool": {"name": "tailrace", "version": str(n)}},
            **{"engine": {"stamps": f"by {n}"}, "scenario": tags, "valid": n == 1},
            "quality": {"human_mean": 4.0 + n / 10, "judge_mean": 3.0},
        }
        return side(label, one, stage("1", figures), **(made | more))

    text = pformat(compare(known("a", SLOW, 1), known("b", FAST, 2)), width=110)
    text += "\n\n" + pformat(compare(A, B), width=110)
    assert_golden(Path(__file__).with_name("golden") / "variants.txt", text + "\n")


def test_what_cannot_be_set_against_each_other() -> None:
    other = side(
        "b", stage("4", FAST), scenario={"seed": 1, "salt": "bb", "prompts": ["\u00e9" * 200]}
    )
    with pytest.raises(UsageError) as caught:
        compare(A, other)
    cut = '["' + "\u00e9" * 117 + "\u2026"
    assert str(caught.value) == (
        "gpu-off and b cannot be compared: they were not asked the same. Different are "
        f'prompts (["Why?"] / {cut}); seed (0 / 1). '
        "Run one of them again with the other's settings"
    )
    two = side("two", stage("4", FAST), stage("2", FAST))
    failed = side("gone")
    failed.model.status, failed.model.error_class = "failed", "refused"
    with pytest.raises(UsageError) as caught:
        compare(two, failed)
    assert str(caught.value) == (
        "there is no load level at which both were measured: two has 4, 2; gone has none "
        "(failed: refused)"
    )
    with pytest.raises(UsageError) as caught:
        compare(two, two, "8")
    assert str(caught.value) == "--at '8' is no level of both; there is: 4, 2"


def test_a_setting_in_a_sentence() -> None:
    assert short("\u00e9") == '"\u00e9"'
    assert short(Path("a")) == '"a"'
    assert short("x" * 118) == '"' + "x" * 118 + '"'
    assert short("x" * 119) == '"' + "x" * 118 + "\u2026"
