"""Sizes: what is typed, what is drawn, and what is refused."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.dice import chance
from tailrace.scenarios.sizes import Sizes, parse_sizes, sizes_listed


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("512", Sizes("fixed", 512)),
        ("fixed:512", Sizes("fixed", 512)),
        (" fixed:512 ", Sizes("fixed", 512)),
        ("normal:512,64", Sizes("normal", 512, 64)),
        ("normal:512, 64, min=400", Sizes("normal", 512, 64, least=400)),
        ("normal:512,64,min=400,max=600", Sizes("normal", 512, 64, 400, 600)),
        ("normal:512,64,max=600,min=400", Sizes("normal", 512, 64, 400, 600)),
        ("lognormal:512,0.5", Sizes("lognormal", 512, 0.5)),
        ("uniform:10,20", Sizes("uniform", 10, 20)),
        ("file:a,b.csv,max=9", Sizes("file", most=9, path="a,b.csv")),
    ],
)
def test_what_is_typed(text: str, sizes: Sizes) -> None:
    assert parse_sizes(text, "--input-tokens") == sizes


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "normal", "normal:512", "normal:512,64,3", "gauss:5,1", "fixed:-1", "fixed:0"),
        *(
            "uniform:20,10",
            "file:",
            "normal:512,64,min=0",
            "normal:512,64,min=x",
            "512,min=9,max=8",
        ),
        *("lognormal:1e3,1", "fixed:99999999", "normal:5,6,least=3", "file:,min=3"),
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--input-tokens ") as caught:
        parse_sizes(text, "--input-tokens")
    assert repr(text) in str(caught.value)


def drawn(text: str, n: int = 4000) -> list[int]:
    sizes = parse_sizes(text, "--input-tokens")
    return [sizes.draw(chance(1, "input", number)) for number in range(n)]


def test_draws() -> None:
    assert set(drawn("7")) == {7}
    assert set(drawn("uniform:3,6")) == {3, 4, 5, 6}
    normal = drawn("normal:512,64")
    assert abs(statistics.mean(normal) - 512) < 4 * 64 / math.sqrt(4000)
    assert abs(statistics.stdev(normal) - 64) < 4
    lognormal = drawn("lognormal:512,0.5")
    assert abs(statistics.median(lognormal) - 512) < 20
    logs = [math.log(size) for size in lognormal]
    assert abs(statistics.stdev(logs) - 0.5) < 0.03


def test_bounds_hold_what_falls_outside() -> None:
    found = drawn("normal:512,64,min=480,max=520")
    assert (min(found), max(found)) == (480, 520)
    assert found.count(480) > 1000
    assert min(drawn("normal:2,50")) == 1


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["normal:9,1000", "lognormal:5,30", "uniform:1,9", "fixed:3"]),
    st.floats(0, 1, exclude_min=True, exclude_max=True),
)
def test_a_size_is_always_a_size(text: str, at: float) -> None:
    sizes = parse_sizes(text, "--input-tokens")
    assert sizes.least <= sizes.draw(at) <= sizes.most


def test_sizes_of_a_file_are_drawn_alike_and_stay_in_pairs() -> None:
    one, two = parse_sizes("file:l.csv", "-i"), parse_sizes("file:l.csv", "-o")
    values = (1, 2, 3, 4)
    assert one.stream("input") == two.stream("output")
    found = [one.draw(chance(0, one.stream("input"), n), values) for n in range(4000)]
    assert all(900 < found.count(value) < 1100 for value in values)
    assert parse_sizes("5", "-i").stream("input") != parse_sizes("5", "-i").stream("output")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3\n4\n", (3, 4)),
        ("3\n\n4", (3, 4)),
        ("tokens\n3\n4\n", (3, 4)),
        ("input_tokens,output_tokens\n3,7\n4,8\n", (3, 4)),
        ("output_tokens, input_tokens\n7, 3\n8, 4\n", (3, 4)),
        ("a,input_tokens\r\nx,3\r\n", (3,)),
    ],
)
def test_a_file_of_sizes(text: str, values: tuple[int, ...]) -> None:
    assert sizes_listed(text, "F", "input_tokens") == values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no token counts"),
        ("\n\n", "holds no token counts"),
        ("tokens\n", "holds no token counts"),
        ("3\nx\n", "line 2: 'x' is no token count"),
        ("3\n0\n", "line 2: '0' is no token count"),
        ("3\n-4\n", "line 2: '-4'"),
        ("3\n4.5\n", "line 2: '4.5'"),
        ("3,4\n", "line 1 has 2 fields and no names"),
        ("a,b\n3,4\n", "line 1 names no column 'input_tokens'; it has a, b"),
        ("a,input_tokens\n3\n", "line 2: ''"),
        ("3\n99999999999\n", "line 2"),
    ],
)
def test_a_malformed_file_of_sizes(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"^F ") as caught:
        sizes_listed(text, "F", "input_tokens")
    assert says in str(caught.value)
