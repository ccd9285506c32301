"""Objectives as they are written, and what is wrong with those that are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError, UsageError
from tailrace.results.slo import Slo, parse_slos, slos_of


def test_a_list_of_every_kind() -> None:
    text = " ttft:p99<500ms, icl : p99.9 <= 1.5s,error_rate<1%, e2e:mean<2m, goodput>10/s, "
    found = parse_slos(text + "goodput>=95%, tokens_per_s>100")
    assert [(each.name, each.stat, each.relation, each.limit) for each in found] == [
        ("ttft", "p99", "<", 500_000_000),
        ("icl", "p99.9", "<=", 1_500_000_000),
        ("error_rate", "", "<", 0.01),
        ("e2e", "mean", "<", 120_000_000_000),
        ("goodput", "", ">", 10),
        ("goodput", "", ">=", 0.95),
        ("tokens_per_s", "", ">", 100),
    ]
    assert [each.is_share for each in found] == [False, False, True, False, False, True, False]
    assert [each.percent for each in found[:4]] == [99.0, 99.9, None, None]
    assert found[1].text == "icl:p99.9<=1.5s"


def test_the_ends_of_what_can_be_asked_for() -> None:
    text = "ttft:max<5ms, ttft:p0.5<5ms, error_rate<=100%, goodput>=100%"
    found = parse_slos(text)
    assert [(each.stat, each.percent) for each in found[:2]] == [("max", None), ("p0.5", 0.5)]
    assert [each.limit for each in found[2:]] == [1, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not an objective; write it like"),
        ("ttft:p99<500ms,", "--slo, objective 2: '' is not an objective"),
        ("ttft p99 500ms", "is not an objective"),
        ("tttf:p99<5ms", "unknown figure 'tttf'; did you mean 'ttft'?"),
        ("zzz<5ms", "unknown figure 'zzz'; there are start_lag, "),
        ("ttft<5ms", "it lacks the percentile; write ttft:p99, ttft:mean or ttft:max"),
        ("ttft:p100<5ms", "'p100' is no percentile"),
        ("ttft:p0<5ms", "'p0' is no percentile"),
        ("x y" * 30, f"--slo: {('x y' * 30)[:60]!r} is not an objective"),
        ("tttf:p99<5ms", "--slo: 'tttf"),
        ("ttft:q9<5ms", "'q9' is no percentile"),
        ("ttft:p99<500", "ttft needs a unit of time"),
        ("ttft:p99<500%", "ttft needs a unit of time"),
        ("error_rate<1", "error_rate is a share; write it like 1%"),
        ("error_rate<101%", "error_rate is a share"),
        ("error_rate:p99<1%", "error_rate has no 'p99'"),
        ("tokens_per_s>5ms", "tokens_per_s is per second; write the number alone"),
        ("ttft:p99>5ms", "did you mean 'ttft:p99<5ms'?"),
        ("tokens_per_s<=5", "did you mean 'tokens_per_s>5'?"),
        ("goodput>5", "goodput counts the requests that meet the latency objectives"),
        ("ttft:p99<5ms,ttft:p99<5ms", "has the same objective twice"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_slos(text)
    assert says in str(raised.value)
    assert str(raised.value).startswith("--slo")


@pytest.mark.parametrize(
    ("relation", "met"), [("<", (1, 0, 0)), ("<=", (1, 1, 0)), (">", (0, 0, 1)), (">=", (0, 1, 1))]
)
def test_relations(relation: str, met: tuple[int, int, int]) -> None:
    slo = Slo("", "ttft", "p99", relation, 10.0)  # type: ignore[arg-type]
    assert tuple(int(slo.met_by(value)) for value in (9, 10, 11)) == met


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_slos(text)
    except UsageError:
        return
    assert parse_slos(",".join(each.text for each in found)) == found


def test_a_run_keeps_them_as_texts() -> None:
    assert slos_of({}) == ()
    (found,) = slos_of({"slo": ["ttft:p99<5ms"]})
    assert found.limit == 5_000_000
    with pytest.raises(ResultError, match="hold no objectives"):
        slos_of({"slo": ["nonsense"]})
    with pytest.raises(ResultError, match="hold no objectives"):
        slos_of({"slo": [7]})
