"""Lines of a judge: what is written reads back, and a bad one is refused by place and field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.rubric_judge import Judged, newest, parse_judged, settled

LINE = b'{"model":"m","request":"r","prompt":"1","text_sha256":"d","judge":"j"'


@given(
    st.dictionaries(st.text("abc", min_size=1), st.integers(1, 5)),
    st.dictionaries(st.text("def", min_size=1), st.text(st.characters(codec="utf-8"))),
)
def test_a_line_reads_back(scores: dict[str, int], unscored: dict[str, str]) -> None:
    made = Judged("m", "r", "1", "d", "j", "f", scores, unscored, constrained=True)
    line = made.to_json()
    assert line.endswith(b"}\n")
    assert parse_judged(line, "here") == made
    assert made.facets == (*scores, *unscored)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "here is not a line of a judge"),
        (b"{}", "here is not a line of a judge.*`model`"),
        (b"[]", "here is not a line of a judge"),
        (b"\xff", "here is not a line of a judge"),
        (LINE, "here is not a line of a judge"),
        (LINE + b',"scores":{"tone":"4"}}', "scores"),
        (LINE + b',"scores":{"tone":6}}', "here, field scores.tone: 6 is not from 1 to 5"),
        (LINE + b',"scores":{"tone":0}}', "here, field scores.tone: 0 is not from 1 to 5"),
        (LINE + b',"scores":{"tone":4.5}}', "scores"),
        (LINE + b',"unscored":{"tone":1}}', "unscored"),
        (LINE.replace(b'"j"', b"7") + b"}", "judge"),
    ],
)
def test_a_line_that_is_none(line: bytes, said: str) -> None:
    with pytest.raises(ResultError, match=said):
        parse_judged(line, "here")


def test_what_need_not_be_asked_again() -> None:
    sample = ("m", "r", "d")
    good = Judged("m", "r", "1", "d", "j", "f", {"tone": 4})
    garbled = Judged("m", "r", "1", "d", "k", "f", {}, {"tone": "not_json: x"})
    failed = Judged("m", "r", "1", "d", "l", "f", {}, {"tone": "timeout: x"}, error="timeout")
    assert settled([good, garbled, failed]) == {(sample, "j", "f"), (sample, "k", "f")}
    assert newest([good, garbled, failed])[sample, "l", "tone"] == "timeout: x"
