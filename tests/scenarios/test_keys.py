"""Keys: what each takes and what it makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.scenarios.keys import Key, decimal, nearest, shown

FLAG = Key("f", "flag")
COUNT = Key("n", "integer", least=1, most=9)
SHARE = Key("s", "number", least=0, above_least=True)
CHOICE = Key("c", "choice", choices=("a", "b"))
TIME = Key("t", "text", hint="TIME", forms=frozenset({"number"}))
LISTED = Key("l", "text", hint="N[,N…]", forms=frozenset({"number", "list"}))
TABLE = Key("o", "text", forms=frozenset({"object"}))
MANY = Key("m", "text", many=True)


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        (FLAG, True, True),
        (COUNT, 9, 9),
        (COUNT, 1, 1),
        (TABLE, {"a": [1]}, '{"a":[1]}'),
        (TIME, 10.0, "10"),
        (TIME, 100, "100"),
        (TIME, 20.50, "20.5"),
        (SHARE, 1, 1.0),
        (CHOICE, "b", "b"),
        (TIME, "30s", "30s"),
        (TIME, 30, "30"),
        (TIME, 1e-7, "0.0000001"),
        (LISTED, [1, "2", 0.5], "1,2,0.5"),
        (MANY, "a", ["a"]),
        (MANY, ["a", "b"], ["a", "b"]),
        (MANY, [], []),
    ],
)
def test_values_it_takes(key: Key, value: Any, read: Any) -> None:
    found = key.read(value)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (FLAG, 1),
        (FLAG, "true"),
        (COUNT, 0),
        (COUNT, 10),
        (COUNT, 1.0),
        (COUNT, True),
        (SHARE, 0),
        (SHARE, math.inf),
        (SHARE, "1"),
        (CHOICE, "A"),
        (CHOICE, None),
        (TIME, True),
        (TIME, [1]),
        (TIME, math.nan),
        (LISTED, [[1]]),
        (LISTED, [None]),
        (MANY, 1),
        (MANY, [1]),
        (MANY, {"a": 1}),
    ],
)
def test_values_it_refuses(key: Key, value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is the file's
        key.read(value)


@pytest.mark.parametrize(
    ("key", "phrase"),
    [
        (FLAG, "true or false"),
        (COUNT, "a whole number from 1 to 9"),
        (SHARE, "a number above 0"),
        (CHOICE, "one of a, b"),
        (TIME, "a text or a number (TIME)"),
        (LISTED, "a text, a number or a list (N[,N…])"),
        (MANY, "a text, or a list of them"),
        (Key("x", "number"), "a number"),
        (Key("x", "number", least=3), "a number of 3 or more"),
        (TABLE, "a text or a table"),
        (Key("x", "number", most=2), "a number of 2 or less"),
    ],
)
def test_what_it_takes_in_words(key: Key, phrase: str) -> None:
    assert key.takes == phrase


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_decimals_keep_their_value_without_an_exponent(value: float) -> None:
    text = decimal(value)
    assert "e" not in text.lower()
    assert float(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "empty"),
        (True, "true"),
        (False, "false"),
        ({"a": 1}, "a table"),
        ([], "an empty list"),
        ([1], "a list"),
        ("a", "'a'"),
        (1.5, "1.5"),
        (10**59, "1" + "0" * 59),
        (10**60, "1" + "0" * 59 + "\u2026"),
        ("x" * 58, "'" + "x" * 58 + "'"),
        ("x" * 59, "'" + "x" * 59 + "\u2026"),
    ],
)
def test_what_stands_in_a_file(value: object, text: str) -> None:
    assert shown(value) == text


def test_nearest() -> None:
    assert nearest("max_tokn", ["max-tokens", "rate"]) == "; did you mean 'max-tokens'?"
    assert nearest("zzz", ["max-tokens", "rate"]) == ""
