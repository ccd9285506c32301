import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.render.text import ascii_text, printable_json, safe_text


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("plain id: a/b", "plain id: a/b"),
        ("a\r\nb\tc", "a b c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended", "0;never ended"),
        ("8\u202e1 ms", "81 ms"),
        ("a\u2028b", "a b"),
        ("a\u200bb\x85c", "ab c"),
        ("\ud800", "\ufffd"),
        ("日本語 ✓", "日本語 ✓"),
    ],
)
def test_examples(raw, safe):
    assert safe_text(raw) == safe


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_acts_is_left(raw):
    safe = safe_text(raw)
    assert not {unicodedata.category(char) for char in safe} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert safe_text(safe) == safe
    safe.encode("utf-8")


@given(st.text(), st.integers(1, 20))
def test_limit_holds(raw, limit):
    assert len(safe_text(raw, limit)) <= limit


def test_many_open_sequences_cost_linear_time():
    assert len(safe_text("\x1b]" * 200_000)) <= 200_000


@given(st.text())
def test_ascii_is_ascii(raw):
    assert ascii_text(raw).isascii()


def test_a_text_of_just_the_limit_is_whole_and_a_cut_leaves_no_space():
    assert safe_text("abcd", 4) == "abcd"
    assert safe_text("abcde", 4) == "abc…"
    assert safe_text("ab  cd", 4) == "ab…"


def test_json_keeps_its_meaning_and_shows_no_mark():
    assert printable_json('{"a": "x\u202ey\x85"}') == '{"a": "x\\u202ey\\u0085"}'
