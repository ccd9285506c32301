"""Judging: nothing that is judged can speak to the judge, and no reply becomes a score by guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.scenarios.judging import (
    MOST_CHARS,
    judge_messages,
    quoted,
    read_reply,
    read_scores,
    response_format,
)

from ..results.golden_files import assert_golden

FACETS = {"accuracy": "Is it true?", "tone": ""}
GOOD = {"accuracy": 4, "tone": 2}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def body(content: Any, **more: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return {"choices": [choice | more]}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(GOOD),
        json.dumps(GOOD, indent=2) + "\n",
        f"```json\n{json.dumps(GOOD)}\n```",
        f"```\n{json.dumps(GOOD)}\n```",
        f"<think>It could be {{'accuracy': 1}}.</think>\n{json.dumps(GOOD)}",
    ],
)
def test_one_whole_object_is_a_score(content: str) -> None:
    reading = read_reply(body(content), FACETS)
    assert reading.scores == {"accuracy": 4, "tone": 2}
    assert reading.unscored == {}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty: the judge said nothing"),
        ("   \n", "empty: the judge said nothing"),
        (None, "empty: the judge said nothing"),
        ("Accuracy 4, tone 2.", "not_json: the reply is no JSON object: Accuracy 4, tone 2."),
        ('{"accuracy": 4, "tone": 2', 'not_json: the reply is no JSON object: {"accuracy": 4,'),
        ('Sure! {"accuracy": 4, "tone": 2}', "not_json: the reply is no JSON object: Sure!"),
        ('{"accuracy": 4, "tone": 2} {}', "not_json: the reply is no JSON object"),
        ("[4, 2]", "not_json: a list instead of an object"),
        ("5", "not_json: a int instead of an object"),
        ("{}", "missing: the reply has no 'accuracy'"),
        ('{"accuracy": 4}', "missing: the reply has no 'tone'"),
        ('{"Accuracy": 4, "tone": 2}', "missing: the reply has no 'accuracy'"),
        ('{"accuracy": 4, "tone": 2, "style": 5}', "not_asked: the reply has 'style'"),
        ('{"accuracy": 4, "accuracy": 1, "tone": 2}', "not_json: 'accuracy' stands twice"),
        ('{"accuracy": "4", "tone": 2}', "not_a_whole_number: 'accuracy' is \"4\""),
        ('{"accuracy": 4.0, "tone": 2}', "not_a_whole_number: 'accuracy' is 4.0"),
        ('{"accuracy": true, "tone": 2}', "not_a_whole_number: 'accuracy' is true"),
        ('{"accuracy": null, "tone": 2}', "not_a_whole_number: 'accuracy' is null"),
        ('{"accuracy": NaN, "tone": 2}', "not_a_whole_number: 'accuracy' is NaN"),
        ('{"accuracy": {"score": 4}, "tone": 2}', "not_a_whole_number: 'accuracy' is {"),
        ('{"accuracy": 0, "tone": 2}', "out_of_range: 'accuracy' is 0"),
        ('{"accuracy": 4, "tone": 6}', "out_of_range: 'tone' is 6"),
        ("[" * 100_000, "not_json: the reply is no JSON object"),
    ],
)
def test_anything_else_is_unscored_with_the_reason(content: str | None, why: str) -> None:
    reading = read_reply(body(content), FACETS)
    assert reading.scores == {}
    assert list(reading.unscored) == list(FACETS)
    assert all(reason.startswith(why) for reason in reading.unscored.values()), reading.unscored


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (None, "not_a_completion"),
        ({}, "not_a_completion"),
        ({"choices": []}, "not_a_completion"),
        ({"choices": [{"message": "4"}]}, "not_a_completion"),
        (body(None, message={"content": None, "refusal": "I cannot."}), "refused: I cannot."),
        (body(json.dumps(GOOD), finish_reason="content_filter"), "refused: stopped"),
        (body('{"accuracy": 4, "to', finish_reason="length"), "cut_off"),
    ],
)
def test_a_reply_that_is_no_answer(document: Any, why: str) -> None:
    reading = read_reply(document, FACETS)
    assert reading.scores == {}
    assert all(reason.startswith(why) for reason in reading.unscored.values())


@given(json_values)
def test_no_json_value_gets_a_score_that_was_not_given(value: Any) -> None:
    reading = read_scores(json.dumps(value), FACETS)
    if reading.scores:
        assert reading.scores == {name: value[name] for name in FACETS}
        assert all(type(value[name]) is int and 1 <= value[name] <= 5 for name in FACETS)
    else:
        assert set(reading.unscored) == set(FACETS)


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    reading = read_reply(body(text), FACETS)
    assert set(reading.scores) | set(reading.unscored) == set(FACETS)


@given(st.text(st.sampled_from('"\\{}[]<|>/INSTim_end\n answer:'), max_size=60))
def test_a_judged_text_cannot_leave_its_quotation(text: str) -> None:
    document = quoted((("user", text),), text)
    read = json.loads(document)
    assert read == {"conversation": [{"role": "user", "content": text}], "answer": text}
    assert "<" not in document
    assert "[INST]" not in document


def test_what_the_judge_is_told() -> None:
    system, user = judge_messages(FACETS, (("user", "Why?"),), "Because.")
    assert "- accuracy: Is it true?\n- tone\n" in system["content"]
    assert '{"accuracy": "1..5", "tone": "1..5"}' in system["content"]
    assert json.loads(user["content"])["answer"] == "Because."


def test_parts_that_are_no_text_are_named() -> None:
    parts = ({"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {}})
    document = json.loads(quoted((("user", parts),), "A cat."))
    assert document["conversation"][0]["content"] == "What is this?\n(image_url part)"


def test_a_long_text_loses_its_middle_and_says_so() -> None:
    answer = json.loads(quoted((), "a" * MOST_CHARS + "b" * MOST_CHARS))["answer"]
    assert f"{MOST_CHARS} characters left out" in answer
    assert (answer[0], answer[-1]) == ("a", "b")
    assert len(answer) < MOST_CHARS + 100


def test_the_schema_allows_what_is_read_and_no_more() -> None:
    schema = response_format(FACETS)["json_schema"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["accuracy", "tone"]
    assert schema["properties"]["tone"] == {"type": "integer", "enum": [1, 2, 3, 4, 5]}


def test_what_the_judge_is_sent_word_for_word() -> None:
    talk = [
        ("system", "Be kind."),
        ("user", [{"type": "text", "text": "é?"}, {"type": "image_url"}, {"text": ""}]),
    ]
    messages = judge_messages(FACETS, talk, 'No "é".')
    assert [message["role"] for message in messages] == ["system", "user"]
    text = f"{messages[0]['content']}\n---\n{messages[1]['content']}\n---\n"
    text += json.dumps(response_format(FACETS), indent=1) + "\n"
    assert_golden(Path(__file__).with_name("golden") / "judging.txt", text)


def test_a_long_text_is_cut_and_one_that_fits_is_not() -> None:
    fits = quoted([], "x" * MOST_CHARS)
    assert "x" * MOST_CHARS in fits
    assert "x" * MOST_CHARS not in quoted([], "x" * (MOST_CHARS + 1))


@pytest.mark.parametrize("score", [1, 5])
def test_the_ends_of_the_scale_are_scores(score: int) -> None:
    reply = json.dumps({"accuracy": score, "tone": score})
    assert read_reply(body(reply), FACETS).scores == {"accuracy": score, "tone": score}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("y" * 100, "not_json: the reply is no JSON object: " + "y" * 80),
        (
            json.dumps(GOOD | {"z" * 50: 1}),
            f"not_asked: the reply has {'z' * 40!r}, which is none of the facets",
        ),
        (
            json.dumps(GOOD | {"tone": "t" * 60}),
            "not_a_whole_number: 'tone' is \"" + "t" * 39,
        ),
        (
            json.dumps(GOOD | {"tone": 10**30}),
            "out_of_range: 'tone' is 10000000000000000000, not from 1 to 5",
        ),
    ],
)
def test_how_much_of_a_reply_is_told(reply: str, why: str) -> None:
    assert set(read_reply(body(reply), FACETS).unscored.values()) == {why}
