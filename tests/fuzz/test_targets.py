"""Every law of fuzz/ holds for its committed inputs, and for what Hypothesis makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import CORPUS, TARGETS, seeds

SLOW = {"scenario": 20, "models": 20, "result": 30, "openai-responses": 30}
EXAMPLES = 60
INPUTS = [(name, path) for name in TARGETS for path in seeds(name)]


@pytest.mark.parametrize(("name", "path"), INPUTS, ids=[f"{n}/{p.name}" for n, p in INPUTS])
def test_a_committed_input(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())


def test_every_target_has_inputs_and_every_input_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert {name for name, _ in INPUTS} == set(TARGETS)


def changed(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The input with some bytes replaced by others, here and there."""
    for place, length, new in edits:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + length :]
    return data[:4096]


TOKENS = (
    *(b"", b"\n", b"\r\n", b"\r", b" ", b"\t", b":", b",", b'"', b"{", b"}", b"[", b"]", b"null"),
    *(b"0", b"-1", b"1e999", b"9" * 20, b"true", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"\0"),
    *(b"data: ", b"event: error\n", b"\n\n", b"0\r\n\r\n", b"[[", b"&a", b"*a", b"- ", b"NaN"),
)
tokens = st.sampled_from(TOKENS)
edit = st.tuples(st.integers(0, 5000), st.integers(0, 12), tokens | st.binary(max_size=8))


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes(name: str) -> None:
    known = [path.read_bytes()[:4096] for path in seeds(name)]
    inputs = st.builds(changed, st.sampled_from(known), st.lists(edit, max_size=6))

    @settings(max_examples=SLOW.get(name, EXAMPLES), deadline=None, database=None)
    @given(st.one_of(inputs, inputs, inputs, st.binary(max_size=200)))
    def law(data: bytes) -> None:
        TARGETS[name](data)

    law()
