"""Rates as users type them, good and bad; each bad one is a sentence that names the option."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.rates import Arrivals, RatePhase, parse_burstiness, parse_rates

many = settings(max_examples=200, deadline=None)

Plain = tuple[tuple[tuple[float, float, float | None], ...], ...]


def plain(text: str) -> Plain:
    return tuple(
        tuple((phase.from_per_s, phase.to_per_s, phase.duration_s) for phase in level)
        for level in parse_rates(text)
    )


def flat(rate: float, duration: float | None = None) -> tuple[float, float, float | None]:
    return (rate, rate, duration)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("50", ((flat(50.0),),)),
        (" 0.5 ", ((flat(0.5),),)),
        ("10,20, 50", ((flat(10.0),), (flat(20.0),), (flat(50.0),))),
        ("10 for 30s", ((flat(10.0, 30.0),),)),
        ("5..50 over 60s", (((5.0, 50.0, 60.0),),)),
        ("0 .. 50  over 2m", (((0.0, 50.0, 120.0),),)),
        ("0.5..0 over 500ms", (((0.5, 0.0, 0.5),),)),
        ("5..5 over 1s", ((flat(5.0, 1.0),),)),
        ("5 for 700ms", ((flat(5.0, 0.7),),)),
        (
            "10 for 30s; 50 for 30s; 5..50 over 60s",
            ((flat(10.0, 30.0), flat(50.0, 30.0), (5.0, 50.0, 60.0)),),
        ),
        ("5..50 over 60s;50", (((5.0, 50.0, 60.0), flat(50.0)),)),
        (
            "10..50 in 5 steps over 50s",
            ((*(flat(rate, 10.0) for rate in (10.0, 20.0, 30.0, 40.0, 50.0)),),),
        ),
        ("9..1 in 2 steps over 3s", ((flat(9.0, 1.5), flat(1.0, 1.5)),)),
        (
            "0.1..0.4 in 4 steps over 4s",
            ((*(flat(rate, 1.0) for rate in (0.1, 0.2, 0.3, 0.4)),),),
        ),
        (
            "1 for 1s; 2..4 in 2 steps over 2s; 3, 7",
            ((flat(1.0, 1.0), flat(2.0, 1.0), flat(4.0, 1.0), flat(3.0)), (flat(7.0),)),
        ),
    ],
)
def test_rates(text: str, levels: Plain) -> None:
    assert plain(text) == levels


@pytest.mark.parametrize(
    ("text", "named", "advice"),
    [
        ("", "''", "write it like 50"),
        ("fast", "'fast'", "write it like 50"),
        ("10 20", "'10 20'", "write it like 50"),
        ("10,,20", "''", "write it like 50"),
        ("10 for 1s;", "''", "write it like 50"),
        ("-5", "'-5'", "write it like 50"),
        ("nan", "'nan'", "write it like 50"),
        ("inf", "'inf'", "write it like 50"),
        ("1e3", "'1e3'", "write it like 50"),
        ("..5 over 1s", "''", "write it like 50"),
        ("5...50 over 1s", "'.50'", "write it like 50"),
        ("5..x over 1s", "'x'", "write it like 50"),
        ("0", "'0'", "out of range"),
        ("0 for 10s", "'0'", "out of range"),
        ("1000001", "'1000001'", "1,000,000"),
        ("0.000001", "'0.000001'", "out of range"),
        ("0..0 over 10s", "'0..0 over 10s'", "one end must be above 0"),
        ("0..10 in 3 steps over 9s", "'0'", "only a ramp may begin or end at 0"),
        ("10; 50", "'10'", "like '10 for 30s'"),
        ("5..50", "'5..50'", "like '5..50 over 60s'"),
        ("5..50 in 3 steps", "'5..50 in 3 steps'", "over 60s"),
        ("5..50 in 1 steps over 9s", "'1'", "from 2 to 1000"),
        ("5..50 in 1001 steps over 9s", "'1001'", "from 2 to 1000"),
        ("5..50 in two steps over 9s", "'two'", "from 2 to 1000"),
        ("10 for 0s", "'0s'", "a phase lasts"),
        ("10 for ever", "'ever'", "30s, 500ms or 2m"),
        ("5..9 over -1s", "'-1s'", "30s, 500ms or 2m"),
    ],
)
def test_what_is_no_rate(text: str, named: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rates(text)
    message = str(caught.value)
    assert message.startswith(f"--rate {named} ")
    assert advice in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["1" + "0" * 400, "9" * 400 + "..1 over 1s", "x" * 10_000])
def test_a_message_stays_short(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rates(text)
    assert len(str(caught.value)) < 250


def test_the_option_is_named_as_the_caller_calls_it() -> None:
    with pytest.raises(UsageError, match=r"^rate of level 2 'x' "):
        parse_rates("x", "rate of level 2")


@many
@given(st.text(st.sampled_from("0159. ;,forversinpt"), max_size=30))
def test_anything_is_levels_or_one_sentence(text: str) -> None:
    try:
        levels = parse_rates(text)
    except UsageError:
        with pytest.raises(UsageError, match=r"^--rate '"):
            parse_rates(text)
    else:
        assert len(levels) == text.count(",") + 1
        assert all(phase.duration_s for level in levels for phase in level[:-1])


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), (" 0.25 ", 0.25), ("100", 100.0)])
def test_burstiness(text: str, value: float) -> None:
    assert parse_burstiness(text) == value


@pytest.mark.parametrize("text", ["", "0", "0.009", "101", "-1", "nan", "inf", "1e1", "bursty"])
def test_what_is_no_burstiness(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--burstiness '.*1 is Poisson"):
        parse_burstiness(text)


@pytest.mark.parametrize(
    ("phases", "lasts_s"),
    [
        ((), None),
        ((RatePhase(1, 1, None),), None),
        ((RatePhase(1, 1, 2.0), RatePhase(1, 1, None)), None),
        ((RatePhase(1, 1, 2.0), RatePhase(1, 5, 3.0)), 5.0),
    ],
)
def test_how_long_the_phases_last(phases: tuple[RatePhase, ...], lasts_s: float | None) -> None:
    assert Arrivals(phases, "constant").lasts_s == lasts_s
