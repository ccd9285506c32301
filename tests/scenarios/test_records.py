"""Records: whatever stands in a file, it is items or one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.items import Item
from tailrace.scenarios.parse import MOST_TOKENS
from tailrace.scenarios.prompt_files import _READERS
from tailrace.scenarios.records import FIELDS, Record, read_records
from tailrace.scenarios.sharegpt import first_exchange, words_as_tokens

many = settings(max_examples=300, deadline=None)

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("role", "content", "from", "value", "type")), inner)
    ),
    max_leaves=8,
)
records = values | st.dictionaries(st.sampled_from((*FIELDS, "other", "promt")), values)


Result = TypeVar("Result")


def told(call: Callable[[], Result]) -> tuple[Result | None, str]:
    """What comes of it, and the sentence if it is refused."""
    try:
        return call(), ""
    except UsageError as error:
        return None, str(error)


@many
@given(st.lists(records, max_size=4), st.none() | st.sampled_from(("prompt", "other")))
def test_anything_is_items_or_a_sentence(found: list[Any], column: str | None) -> None:
    made = [Record(f"F record {n}", value) for n, value in enumerate(found, 1)]
    read, sentence = told(lambda: read_records(made, "F", column, words_as_tokens))
    if read is None:
        assert sentence.startswith("F")
        assert "\n" not in sentence
        return
    items, skipped = read
    assert len(items) + skipped == len(found)
    assert len({item.id for item in items}) == len(items) > 0
    for item in items:
        assert item.messages
        assert item.max_tokens is None or item.max_tokens >= 1


@many
@given(
    st.sampled_from(sorted(_READERS)),
    st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]":,\n\r\t a1"'), max_size=40).map(str.encode),
)
def test_any_bytes_are_records_or_a_sentence(suffix: str, data: bytes) -> None:
    found, sentence = told(lambda: list(_READERS[suffix](data, "F")))
    assert sentence.startswith("F ") or found is not None
    assert all(record.where.startswith("F ") for record in found or ())


@many
@given(values)
def test_any_conversation_is_an_exchange_or_nothing_or_a_sentence(turns: Any) -> None:
    found, sentence = told(lambda: first_exchange("F record 1", turns))
    assert not sentence or sentence.startswith("F record 1: field 'conversations")
    assert found is None or (found.question.strip() and found.answer.strip())


@pytest.mark.parametrize(
    ("key", "meant"),
    [("promt", "prompt"), ("tag", "tags"), ("max_token", "max_tokens")],
)
def test_only_what_looks_like_ours_is_a_mistake(key: str, meant: str) -> None:
    record = Record("F record 1", {"prompt": "a", key: "b"})
    with pytest.raises(UsageError, match=f"did you mean '{meant}'"):
        read_records([record], "F", None, words_as_tokens)


@pytest.mark.parametrize("key", ["answer", "category", "prompt_id", "text", "source", "turns", "n"])
def test_fields_of_others_are_left_alone(key: str) -> None:
    record = Record("F record 1", {"prompt": "a", key: "b"})
    assert len(read_records([record], "F", None, words_as_tokens).items) == 1


def items(*values: Any, column: str | None = None) -> list[Item]:
    made = [Record(f"F record {n}", value) for n, value in enumerate(values, 1)]
    return read_records(made, "F", column, words_as_tokens).items


def refused(*values: Any, column: str | None = None) -> str:
    found, sentence = told(lambda: items(*values, column=column))
    assert found is None
    return sentence


USER = {"role": "user", "content": "a"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], " is a list; write a text or an object with a 'prompt'"),
        (True, " is true or false; write a text or an object with a 'prompt'"),
        (1.5, " is a number; write a text or an object with a 'prompt'"),
        ({"promt": "a"}, ": field 'promt' is unknown; did you mean 'prompt'?"),
        ({"prompt": {}}, ": field 'prompt' is an object; write a text"),
        ({"prompt": " "}, ": field 'prompt' is empty; write some text"),
        (
            {"prompt": "a", "messages": [USER]},
            ": has both 'prompt' and 'messages'; give one of them",
        ),
        (
            {"n": 1},
            ": has no prompt; give it a field 'prompt' or 'messages', or name the field that holds "
            "it with --prompt-column",
        ),
        (
            {"messages": {}},
            ": field 'messages' is an object; write a list of objects with a 'role' and a "
            "'content'",
        ),
        (
            {"messages": [USER, {"role": "bot", "content": "a"}]},
            ": field 'messages[1]' has no 'role' of system, developer, user, assistant, tool",
        ),
        (
            {"messages": [USER, 5]},
            ": field 'messages[1]' has no 'role' of system, developer, user, assistant, tool",
        ),
        (
            {"messages": [USER | {"name": "n"}]},
            ": field 'messages[0]' has 'name', which cannot be sent; leave it out",
        ),
        (
            {"messages": [{"role": "user", "content": " "}]},
            ": field 'messages[0]' has no 'content'; write a text, or a list of parts, each with a "
            "'type'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}, "x"]}]},
            ": field 'messages[0]' has no 'content'; write a text, or a list of parts, each with a "
            "'type'",
        ),
        (
            {"messages": [{"role": "system", "content": "s"}], "system": "t"},
            ": has 'system' and a system message; give one of them",
        ),
        ({"prompt": "a", "id": True}, ": field 'id' is true or false; write a text or a number"),
        ({"prompt": "a", "id": " "}, ": field 'id' is a text; write a text or a number"),
        ({"prompt": "a", "id": 1.5}, ": field 'id' is a number; write a text or a number"),
        (
            {"prompt": "a", "max_tokens": MOST_TOKENS + 1},
            f": field 'max_tokens' is {MOST_TOKENS + 1}, not a whole number from 1 to "
            f"{MOST_TOKENS}",
        ),
        (
            {"prompt": "a", "max_tokens": "123456789"},
            f": field 'max_tokens' is '123456789', not a whole number from 1 to {MOST_TOKENS}",
        ),
        (
            {"prompt": "a", "tags": ["a", ""]},
            ': field \'tags\' is not a list of texts like ["a", "b"]',
        ),
        (
            {"prompt": "a", "facets": "a;;b"},
            ': field \'facets\' is not a list of texts like ["a", "b"]',
        ),
        (
            {"prompt": "a", "extra_body": []},
            ": field 'extra_body' is a list; write an object like {\"top_p\": 0.9}",
        ),
        ({"prompt": "a", "model": 5}, ": field 'model' is a number; write a text"),
        ({"prompt": "a", "system": " "}, ": field 'system' is empty; write some text"),
    ],
)
def test_the_whole_sentence(value: Any, says: str) -> None:
    assert refused("first", value) == f"F record 2{says}"


def test_a_column_by_another_name() -> None:
    assert refused("a", column="q") == "F record 1 is a text; write an object with a 'prompt'"
    assert refused({"q": ""}, column="q") == (
        "F record 1: field 'q' is empty; give it a prompt or leave the record out"
    )
    assert refused({"a": 1, "b": 2}, column="q") == (
        "F record 1: has no field 'q', which --prompt-column names; it has a, b"
    )
    assert refused({}, column="q").endswith("; it has none")
    rest = {"prompt": "no", "messages": [USER], "conversations": [], "system": "s"}
    (text,) = items({"q": "yes"} | rest, column="q")
    assert text.messages == (("system", "s"), ("user", "yes"))
    (talk,) = items({"q": [USER]} | rest, column="q")
    assert talk.messages == (("system", "s"), ("user", "a"))
    (own,) = items({"prompt": "a", "promptt": "b"}, column="promptt")
    assert own.messages == (("user", "b"),)
    assert items({"prompt": "a"}, column="prompt")[0].messages == (("user", "a"),)


@pytest.mark.parametrize(
    ("given", "limit"), [(1, 1), (MOST_TOKENS, MOST_TOKENS), (8.0, 8), (" 12 ", 12), ("1", 1)]
)
def test_a_limit_as_files_write_it(given: Any, limit: int) -> None:
    assert items({"prompt": "a", "max_tokens": given})[0].max_tokens == limit


def test_what_is_empty_is_as_if_it_were_not_there() -> None:
    bare = {"prompt": "a", "system": "", "max_tokens": None, "id": None, "tags": "", "model": None}
    assert items(bare) == items("a")
    (item,) = items({"prompt": "a", "expected_facets": "x; y", "tags": ["t"], "extra_body": {}})
    assert (item.facets, item.tags, item.extra) == (("x", "y"), ("t",), {})
    (tool,) = items({"messages": [USER | {"name": ""}]})
    assert tool.messages == (("user", "a"),)


def test_a_number_is_an_id_and_the_place_is_one_where_none_is_given() -> None:
    assert [item.id for item in items({"prompt": "a", "id": 0}, "b", {"prompt": "c"})] == [
        *("0", "2", "3")
    ]
    twice = refused({"prompt": "a", "id": "2"}, "b")
    assert twice == "F record 2: field 'id' is '2', as in record 1; give each its own"


def turns(*values: tuple[str, str]) -> dict[str, Any]:
    return {"conversations": [{"from": speaker, "value": text} for speaker, text in values]}


def test_an_answer_says_how_long_the_next_may_be_unless_the_record_does() -> None:
    talk = turns(("system", "s"), ("human", "ask"), ("gpt", "one two three"))
    read = read_records(
        [Record("F record 1", talk), Record("F record 2", turns(("gpt", "x")))], "F", None, len
    )
    assert read.skipped == 1
    assert read.items == [Item("1", (("system", "s"), ("user", "ask")), max_tokens=13)]
    assert items(talk | {"max_tokens": 5})[0].max_tokens == 5
    assert items(talk | {"system": "mine"})[0].messages[0] == ("system", "mine")
    for more in ({"prompt": "p"}, {"messages": [{"role": "user", "content": "p"}]}):
        (item,) = items(talk | more)
        assert (item.messages, item.max_tokens) == ((("user", "p"),), None)
    (least,) = read_records([Record("F", talk)], "F", None, lambda text: 0).items
    assert least.max_tokens == 1


def test_a_file_of_nothing_says_why() -> None:
    assert refused() == "F holds no prompts; write at least one"
    assert refused(turns(), turns(("gpt", "x"))) == (
        "F holds no prompts: none of its 2 conversations has a question and an answer"
    )


def test_the_first_question_that_is_answered() -> None:
    found = first_exchange(
        "F",
        [
            {"role": "SYSTEM", "content": "s"},
            {"from": "gpt", "value": "hello"},
            {"from": "Human", "value": "one"},
            {"from": "user", "value": "two"},
            {"from": "system", "value": "late"},
            {"from": "Bard", "value": "answer"},
        ],
    )
    assert found == ("one", "answer", "s")
    assert first_exchange("F", turns(("human", " "), ("gpt", "x"))["conversations"]) is None
    assert first_exchange("F", turns(("human", "x"), ("gpt", " "))["conversations"]) is None
    for speaker in ("gpt", "assistant", "chatgpt", "model", "bing", "bard"):
        asked = turns(("system", ""), ("user", "x"), (speaker, "y"))["conversations"]
        assert first_exchange("F", asked) == ("x", "y", None)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({}, "F: field 'conversations' is not a list of turns"),
        ([1], "F: field 'conversations[0]' is no object with 'from' and 'value'"),
        (
            [{"from": 1, "value": "x"}],
            "F: field 'conversations[0]' does not say who speaks; give it a 'from' like human or "
            "gpt",
        ),
        ([{"from": "gpt"}], "F: field 'conversations[0]' has no text; give it a 'value'"),
    ],
)
def test_a_turn_that_is_none(found: Any, says: str) -> None:
    assert told(lambda: first_exchange("F", found))[1] == says


def test_three_words_are_four_tokens() -> None:
    assert [words_as_tokens(text) for text in ("", "a", "a b", "a b\nc", "a b c d e f")] == [
        *(0, 1, 3, 4, 8)
    ]
