"""Two runs' answers compared: tables of what is the same, changed, missing, and refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.outputs import OUTPUTS_SCHEMA, ModelOutputs, PromptOutputs
from tailrace.results.outputs_compare import (
    Changed,
    Comparison,
    Place,
    compare,
    differing_hashes,
    first_difference,
)

NAMES = ("'A'", "'B'")


def made(prompts: dict[str, dict[str, int]], asked: str = "q", **parameters: Any) -> ModelOutputs:
    """Of model ``m``: prompt -> hash -> answers."""
    entries = [
        PromptOutputs(prompt, f"{asked}{prompt}", sum(hashes.values()), hashes, {})
        for prompt, hashes in prompts.items()
    ]
    return ModelOutputs(OUTPUTS_SCHEMA, "m", parameters, entries)


def compared(a: ModelOutputs, b: ModelOutputs) -> Comparison:
    return compare({"m": a}, {"m": b}, NAMES)


def test_the_same_answers() -> None:
    found = compared(made({"1": {"x": 3}, "2": {"y": 1}}), made({"1": {"x": 1}, "2": {"y": 9}}))
    assert (found.equal, found.same) == (True, 2)
    assert found.changed == found.missing == found.unsteady == []


def test_a_changed_and_a_missing_prompt() -> None:
    found = compared(
        made({"1": {"x": 1}, "2": {"y": 1}, "3": {"z": 1}}),
        made({"1": {"x": 1}, "2": {"w": 1}, "4": {"z": 1}}),
    )
    assert (found.equal, found.same) == (False, 1)
    assert found.changed == [Changed("m", "2", {"y": 1}, {"w": 1})]
    assert found.missing == [Place("m", "3", "B"), Place("m", "4", "A")]


def test_a_model_that_one_run_lacks() -> None:
    found = compare({"m": made({}), "n": made({})}, {"m": made({}), "o": made({})}, NAMES)
    assert found.missing == [Place("n", None, "B"), Place("o", None, "A")]
    assert not found.equal


def test_several_answers_within_a_run() -> None:
    a, b = made({"1": {"x": 2, "y": 1}}), made({"1": {"y": 1, "x": 2}})
    found = compared(a, b)
    assert (found.equal, found.same) == (True, 1)
    assert found.unsteady == [Place("m", "1", "A"), Place("m", "1", "B")]
    found = compared(a, made({"1": {"x": 1}}))
    assert [changed.hashes_b for changed in found.changed] == [{"x": 1}]
    assert found.unsteady == [Place("m", "1", "A")]


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (
            made({}, temperature=0.0, seed=1),
            made({}, temperature=0.0, seed=None),
            ["seed is 1 in 'A' and None in 'B'"],
        ),
        (made({}, max_tokens=5), made({}, max_tokens=6), ["max_tokens is 5", "6 in 'B'"]),
        (made({}, nonce=True), made({}), ["nonce is True"]),
        (made({"7": {"x": 1}}), made({"7": {"x": 1}}, asked="p"), ["prompt '7' of 'm'", "'A'"]),
    ],
)
def test_what_was_not_asked_alike_is_refused(
    a: ModelOutputs, b: ModelOutputs, words: list[str]
) -> None:
    with pytest.raises(ResultError) as caught:
        compared(a, b)
    for word in words:
        assert word in str(caught.value)


def test_runs_without_a_common_model_are_refused() -> None:
    with pytest.raises(ResultError, match="no model in common: 'm' and 'n'"):
        compare({"m": made({})}, {"n": made({})}, NAMES)


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ({"x": 1}, {"y": 1}, ("x", "y")),
        ({"x": 5, "y": 1}, {"x": 1}, ("y", "x")),
        ({"x": 1}, {"x": 5, "y": 1}, ("x", "y")),
        ({"x": 2, "y": 1}, {"x": 2, "z": 1}, ("y", "z")),
    ],
)
def test_the_answers_that_are_shown_differ(
    a: dict[str, int], b: dict[str, int], shown: tuple[str, str]
) -> None:
    assert differing_hashes(Changed("m", "1", a, b)) == shown


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("abc", "abd", "character 3: 'abc' and 'abd'"),
        ("", "x", "character 1: '' and 'x'"),
        ("ab", "abc", "character 3: 'ab' and 'abc'"),
        ("x" * 50 + "a\n", "x" * 50 + "b", f"character 51: '{'x' * 20}a\\n' and '{'x' * 20}b'"),
    ],
)
def test_first_difference(a: str, b: str, said: str) -> None:
    assert first_difference(a, b) == said


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_texts_are_the_same_up_to_the_difference(common: str, a: str, b: str) -> None:
    if a[0] == b[0]:
        return
    said = first_difference(common + a, common + b)
    assert said.startswith(f"character {len(common) + 1}: ")


def test_the_json_says_all() -> None:
    found = compared(made({"1": {"x": 1}}), made({"1": {"y": 1}}))
    assert found.to_dict() == {
        "equal": False,
        "same": 0,
        "changed": [
            {
                **{"model": "m", "prompt": "1", "hashes_a": {"x": 1}, "hashes_b": {"y": 1}},
                "difference": None,
            }
        ],
        "missing": [],
        "unsteady": [],
    }
