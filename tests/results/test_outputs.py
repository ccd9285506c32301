"""Hashes of answers, added up by prompt: the same rows in any order give the same document."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.outputs import (
    ModelOutputs,
    Outputs,
    output_hash,
    outputs_from_json,
)
from tailrace.results.schema import Row


def hashed(prompt: str, text: str, stage: int = 0, **more: Any) -> Row:
    return Row(
        *("r", stage, 0, "measure", 0),
        **({"prompt": prompt, "asked_hash": f"a{prompt}", "output_hash": text} | more),
    )


def document(*rows: Row, **scenario: Any) -> ModelOutputs:
    outputs = Outputs()
    for row in rows:
        outputs.add(row)
    found = outputs.document("m", scenario)
    assert found is not None
    return found


def test_the_hash_is_what_sha256sum_says_of_the_text() -> None:
    assert output_hash("a\n", "") == (
        "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    )
    assert output_hash("b", "a") == sha256(b"a\0b").hexdigest()
    assert output_hash("\ud800", "") == sha256(b"\xed\xa0\x80").hexdigest()


def test_answers_are_counted_by_prompt_and_by_level() -> None:
    found = document(
        *(hashed("10", "x"), hashed("2", "x", -1), hashed("2", "y"), hashed("2", "y", 1)),
        *(hashed("2", "z", 1), Row("r", 0, 0, "measure", 0, prompt="3", outcome="error")),
    )
    assert [entry.prompt for entry in found.prompts] == ["2", "10"]
    two = found.prompts[0]
    assert (two.asked, two.answers) == ("a2", 4)
    assert list(two.hashes.items()) == [("y", 2), ("x", 1), ("z", 1)]
    assert two.distinct_by_level == {"cold": 1, "0": 1, "1": 2}


def test_the_parameters_are_those_that_decide_an_answer() -> None:
    scenario = {"temperature": 0.0, "max_tokens": 9, "seed": 4, "workers": 2, "base_url": "u"}
    assert document(hashed("1", "x"), **scenario).parameters == {
        **{"extra_body": None, "max_tokens": 9, "nonce": None, "salt": None, "seed": None},
        **{"system": None, "temperature": 0.0},
    }
    assert document(hashed("1", "x"), **scenario, send_seed=True).parameters["seed"] == 4


def test_without_hashes_there_is_no_document() -> None:
    outputs = Outputs()
    outputs.add(Row("r", 0, 0, "measure", 0, text="kept and not hashed"))
    assert outputs.document("m", {}) is None
    assert outputs.summary() is None


def test_summary() -> None:
    outputs = Outputs()
    for row in (hashed("1", "x"), hashed("1", "y"), hashed("2", "x")):
        outputs.add(row)
    assert outputs.summary() == {"prompts": 2, "answers": 3, "differing": 1}


@given(st.lists(st.tuples(st.sampled_from("12ab"), st.sampled_from("xyz")), min_size=1), st.data())
def test_the_order_of_the_rows_does_not_show(
    made: list[tuple[str, str]], data: st.DataObject
) -> None:
    rows = [hashed(prompt, text) for prompt, text in made]
    shuffled = data.draw(st.permutations(rows))
    assert msgspec.json.encode(document(*rows)) == msgspec.json.encode(document(*shuffled))


def test_a_document_is_read_back() -> None:
    found = document(hashed("1", "x"), extra_body={"top_k": 1})
    assert outputs_from_json(msgspec.json.encode(found), "f") == found


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", ["'f'", "outputs"]),
        (b"[]", ["'f'", "Expected `object`"]),
        (b'{"schema":"x","model":"m","parameters":{},"prompts":[]}', ["'x'", "tailrace.outputs/1"]),
        (
            b'{"schema":"tailrace.outputs/1","model":"m","parameters":{},"prompts":[{"prompt":1}]}',
            ["$.prompts[0].prompt"],
        ),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, words: list[str]) -> None:
    with pytest.raises(ResultError) as caught:
        outputs_from_json(data, "'f'")
    for word in words:
        assert word in str(caught.value)
