"""The plan is what was asked for, whole, in order, and the same every time."""

import dataclasses
import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.simulate.script import MAX_TOKENS, Script, plan, script_from, script_values

scripts = st.builds(
    Script,
    ttft_ns=st.integers(0, 10**10),
    gap_ns=st.integers(0, 10**9),
    tokens=st.integers(1, 300),
    tokens_per_chunk=st.integers(1, 20),
    jitter=st.floats(0, 1),
    seed=st.integers(0, 2**40),
    stall_at=st.none() | st.integers(0, 400),
    stall_ns=st.integers(0, 10**10),
)
limits = st.none() | st.integers(1, 400)


@given(scripts, st.integers(1, 10**6), limits, st.booleans())
def test_plan_holds_every_token_in_order(
    script: Script, number: int, limit: int | None, ignore_eos: bool
) -> None:
    made = plan(script, number, limit, ignore_eos=ignore_eos)
    natural = script.tokens
    asked = natural if limit is None else limit if ignore_eos else min(natural, limit)
    assert made.total == sum(made.tokens) == asked
    assert len(made.tokens) == len(made.due_ns)
    assert all(size == script.tokens_per_chunk for size in made.tokens[:-1])
    assert 1 <= made.tokens[-1] <= script.tokens_per_chunk
    assert list(made.due_ns) == sorted(made.due_ns)
    cut = limit is not None and (ignore_eos or limit < natural)
    assert made.finish_reason == ("length" if cut else "stop")


@given(scripts, st.integers(1, 10**6), limits)
def test_plan_is_repeatable_and_its_intervals_bounded(
    script: Script, number: int, limit: int | None
) -> None:
    made = plan(script, number, limit)
    again = plan(dataclasses.replace(script), number, limit)
    assert (made.due_ns, made.tokens) == (again.due_ns, again.tokens)
    before = 0
    for index, due in enumerate(made.due_ns):
        interval = due - before - (script.stall_ns if index == script.stall_at else 0)
        mean = script.gap_ns if index else script.ttft_ns
        assert mean * (1 - script.jitter) - 2 <= interval <= mean * (1 + script.jitter) + 2
        before = due


def test_even_plan_is_exact() -> None:
    made = plan(Script(ttft_ns=7, gap_ns=3, tokens=5, tokens_per_chunk=2), 1, None)
    assert list(made.due_ns) == [7, 10, 13]
    assert made.tokens == (2, 2, 1)


def test_stall_delays_its_chunk_and_all_after() -> None:
    script = Script(ttft_ns=7, gap_ns=3, tokens=4, stall_at=2, stall_ns=100)
    assert list(plan(script, 1, None).due_ns) == [7, 10, 113, 116]


def test_jitter_differs_by_request_and_by_seed() -> None:
    script = Script(jitter=0.5)
    other = Script(jitter=0.5, seed=1)
    first = plan(script, 1, None).due_ns
    assert first != plan(script, 2, None).due_ns
    assert first != plan(other, 1, None).due_ns


def test_jitter_keeps_the_mean() -> None:
    script = Script(ttft_ns=0, gap_ns=1_000_000, tokens=2, jitter=0.8)
    gaps = [plan(script, number, None).due_ns[1] for number in range(2000)]
    assert 0.97e6 < sum(gaps) / len(gaps) < 1.03e6


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tokens", 0),
        ("tokens", MAX_TOKENS + 1),
        ("tokens_per_chunk", 0),
        ("ttft_ns", -1),
        ("ttft_ns", 0.2),
        ("slots", True),
        ("jitter", 1.1),
        ("jitter", float("nan")),
        ("models", ()),
        ("models", "sim"),
        ("fault", "earthquake"),
        ("fault_every", 0),
        ("fault_from", 0),
        ("stall_at", -1),
        ("speed", 3),
    ],
)
def test_script_that_cannot_be_played_is_refused(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=setting):
        script_from({setting: value})


def test_script_survives_json() -> None:
    script = Script(models=("a/b:c", "d"), jitter=0.25, fault="reset", stall_at=3)
    assert script_from(json.loads(json.dumps(script_values(script)))) == script


@pytest.mark.parametrize(
    "settings",
    [
        {"tokens": 1, "tokens_per_chunk": 1, "fault_every": 1, "fault_from": 1},
        {"ttft_ns": 0, "gap_ns": 0, "slots": 0, "stall_ns": 0, "truth_limit": 0},
        {"tokens": MAX_TOKENS, "jitter": 0.0, "fault_after": 0},
        {"jitter": 1.0, "stall_at": 0},
    ],
)
def test_the_least_and_the_most_can_be_played(settings: dict[str, object]) -> None:
    assert script_values(script_from(settings)) == script_values(Script()) | settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tokens": 0}, "tokens must be a whole number of at least 1, not 0"),
        ({"stall_ns": -1}, "stall_ns must be a whole number of at least 0, not -1"),
        ({"jitter": -0.5}, "jitter must lie between 0 and 1, not -0.5"),
        ({"tokens": MAX_TOKENS + 1}, f"tokens must be at most {MAX_TOKENS}, not {MAX_TOKENS + 1}"),
        ({"models": []}, "models must be a tuple of at least one name"),
        ({"stall_at": -1}, "stall_at must be at least 0, not -1"),
        ({"speed": 3, "pace": 1, "tokens": 4}, "unknown script setting: pace, speed"),
        ([1], "a script is an object of settings, not [1]"),
    ],
)
def test_why_a_script_is_refused(settings: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        script_from(settings)  # type: ignore[arg-type]


def test_an_unknown_fault_is_told_which_there_are() -> None:
    with pytest.raises(
        ValueError, match="unknown fault 'earthquake'; known: reset_connect, close_c"
    ):
        Script(fault="earthquake")


@pytest.mark.parametrize(
    ("limit", "ignore_eos", "total", "reason"),
    [
        (None, True, 5, "stop"),
        (4, False, 4, "length"),
        (5, False, 5, "stop"),
        (6, False, 5, "stop"),
        (5, True, 5, "length"),
        (6, True, 6, "length"),
    ],
)
@pytest.mark.parametrize("jitter", [0.0, 0.5])
def test_where_an_answer_ends_and_why(
    limit: int | None, ignore_eos: bool, total: int, reason: str, jitter: float
) -> None:
    made = plan(Script(tokens=5, jitter=jitter), 1, limit, ignore_eos=ignore_eos)
    assert (made.total, made.finish_reason) == (total, reason)


def test_jitter_reaches_both_ends() -> None:
    script = Script(ttft_ns=1_000_000, gap_ns=1_000_000, tokens=2000, jitter=0.5)
    due = [0, *plan(script, 1, None).due_ns]
    gaps = [after - before for before, after in pairwise(due)]
    assert 500_000 <= min(gaps) < 510_000
    assert 1_490_000 < max(gaps) <= 1_500_000
