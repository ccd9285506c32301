"""OpenAI chat completions: ugly and plain chunks as servers send them, and the bodies we send."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.dialects.delta import Ask, Delta, Usage
from tailrace.engine.dialects.openai_chat import (
    MOST_TOKENS,
    OpenAIChat,
    error_text,
)

many = settings(max_examples=200, deadline=None)


def read(data: bytes | str, event_type: str = "") -> Delta:
    return OpenAIChat().read(event_type, data.encode() if isinstance(data, str) else data)


def chunk(delta: object, **more: object) -> str:
    """One chunk with one choice; ``usage`` goes beside the choices."""
    outer = {"usage": more.pop("usage")} if "usage" in more else {}
    choice = {"index": 0, "delta": delta, "finish_reason": None} | more
    return orjson.dumps({"id": "x", "choices": [choice]} | outer).decode()


USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
DETAILS = USAGE | {
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CALL = [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]
ARGUMENTS = [{"index": 0, "function": {"arguments": '{"a"'}}]
NO_FUNCTION = [{"index": 0, "function": None}]
NO_WORD = [{"index": 0, "function": {"arguments": ""}}]

CHUNKS = {
    "done": ("[DONE]", Delta(done=True)),
    "role, content null": (chunk({"role": "assistant", "content": None}), Delta()),
    "role, content empty": (chunk({"role": "assistant", "content": ""}), Delta()),
    "role alone": (chunk({"role": "assistant"}), Delta()),
    "role in every chunk": (chunk({"role": "assistant", "content": "a"}), Delta("a")),
    "text": (chunk({"content": "a"}), Delta("a")),
    "no tool calls": (chunk({"content": "a", "tool_calls": []}), Delta("a")),
    "a space is text": (chunk({"content": " "}), Delta(" ")),
    "delta null": (chunk(None), Delta()),
    "no delta": ('{"choices":[{"index":0,"finish_reason":null}]}', Delta()),
    "finish": (chunk({}, finish_reason="stop"), Delta(finish_reason="stop")),
    "finish with text": (
        chunk({"content": "z"}, finish_reason="length"),
        Delta("z", finish_reason="length"),
    ),
    "reasoning_content": (chunk({"reasoning_content": "r"}), Delta(reasoning="r")),
    "reasoning": (chunk({"reasoning": "r"}), Delta(reasoning="r")),
    "both names of reasoning": (
        chunk({"reasoning_content": "r", "reasoning": "r"}),
        Delta(reasoning="r"),
    ),
    "reasoning null": (chunk({"reasoning_content": None, "content": "a"}), Delta("a")),
    "reasoning beside empty content": (
        chunk({"content": "", "reasoning_content": "r"}),
        Delta(reasoning="r"),
    ),
    "tool name": (chunk({"tool_calls": CALL}), Delta(tool=True, calls=CALL)),
    "tool arguments": (chunk({"tool_calls": ARGUMENTS}), Delta(tool=True, calls=ARGUMENTS)),
    "tool call with no word": (chunk({"tool_calls": NO_WORD}), Delta(calls=NO_WORD)),
    "the second tool call has a word": (
        chunk({"tool_calls": NO_WORD + CALL}),
        Delta(tool=True, calls=NO_WORD + CALL),
    ),
    "tool call with text": (
        chunk({"content": "a", "tool_calls": CALL}),
        Delta("a", "", True, calls=CALL),
    ),
    "tool_calls null": (chunk({"content": "a", "tool_calls": None}), Delta("a")),
    "tool_calls empty": (chunk({"tool_calls": []}), Delta()),
    "tool function null": (chunk({"tool_calls": NO_FUNCTION}), Delta(calls=NO_FUNCTION)),
    "usage in the finish chunk": (
        chunk({}, finish_reason="stop", usage=USAGE),
        Delta(finish_reason="stop", usage=Usage(3, 9)),
    ),
    "usage with choices []": (
        orjson.dumps({"choices": [], "usage": USAGE}).decode(),
        Delta(usage=Usage(3, 9)),
    ),
    "usage without choices": (orjson.dumps({"usage": USAGE}).decode(), Delta(usage=Usage(3, 9))),
    "usage in every chunk": (chunk({"content": "a"}, usage=USAGE), Delta("a", usage=Usage(3, 9))),
    "usage in detail": (chunk({}, usage=DETAILS), Delta(usage=Usage(3, 9, 4, 2))),
    "usage details null": (
        chunk({}, usage=USAGE | {"prompt_tokens_details": None, "completion_tokens_details": None}),
        Delta(usage=Usage(3, 9)),
    ),
    "usage null": (chunk({"content": "a"}, usage=None), Delta("a")),
    "choices [] alone": ('{"choices":[]}', Delta()),
    "choices null": ('{"choices":null}', Delta()),
    "an empty object": ("{}", Delta()),
    "error object": ('{"error":{"message":"no","code":500}}', Delta(error="no")),
    "error text": ('{"error":"no"}', Delta(error="no")),
    "error before choices": ('{"error":{"message":"no"},"choices":[{}]}', Delta(error="no")),
    "error without a message": ('{"error":{"code":5}}', Delta(error='{"code":5}')),
    "error null": ('{"error":null,"choices":[]}', Delta()),
    "refusal": (chunk({"refusal": "No."}), Delta("No.", refusal=True)),
    "refusal behind text": (chunk({"content": "a", "refusal": "b"}), Delta("ab", refusal=True)),
    "refusal null": (chunk({"content": "a", "refusal": None}), Delta("a")),
    "refusal empty": (chunk({"content": "a", "refusal": ""}), Delta("a")),
    "reasoning_content with usage": (
        chunk({"reasoning_content": "r"}, usage=USAGE),
        Delta("", "r", usage=Usage(3, 9)),
    ),
    "reasoning with usage": (
        chunk({"reasoning_content": "", "reasoning": "r"}, usage=USAGE),
        Delta("", "r", usage=Usage(3, 9)),
    ),
    "logprobs": (
        chunk({"content": "ab"}, logprobs={"content": [{}, {}], "refusal": None}),
        Delta("ab", usage=Usage(chunk_tokens=2)),
    ),
    "logprobs of a refusal": (
        chunk({"content": "a"}, logprobs={"content": [{}], "refusal": [{}, {}]}),
        Delta("a", usage=Usage(chunk_tokens=3)),
    ),
    "logprobs of completions, with usage": (
        chunk({"content": "a"}, logprobs={"tokens": ["a"]}, usage=USAGE),
        Delta("a", usage=Usage(3, 9, chunk_tokens=1)),
    ),
    "logprobs empty": (chunk({"content": "a"}, logprobs={"content": []}), Delta("a")),
    "logprobs of another kind": (chunk({"content": "a"}, logprobs=[1]), Delta("a")),
    "counts of nothing, and beyond belief": (
        chunk({}, usage={"prompt_tokens": 0, "completion_tokens": MOST_TOKENS}),
        Delta(usage=Usage(None, 0)),
    ),
    "unknown keys": ('{"object":"x","choices":[{"delta":{"content":"a","y":1}}]}', Delta("a")),
}


@pytest.mark.parametrize(("data", "delta"), CHUNKS.values(), ids=CHUNKS.keys())
def test_reads(data: str, delta: Delta) -> None:
    assert read(data) == delta


@pytest.mark.parametrize(
    "data",
    [
        "",
        "x",
        "{",
        "[DONE] ",
        "[done]",
        b"\xff\xfe",
        "[]",
        "1",
        "null",
        "true",
        '"text"',
        '{"choices":5}',
        '{"choices":"abc"}',
        '{"choices":{"a":1}}',
        '{"choices":[null]}',
        '{"choices":[[]]}',
        '{"choices":[1]}',
        '{"choices":[{"delta":5}]}',
        '{"choices":[{"delta":[1]}]}',
        '{"choices":[{"delta":"a"}]}',
        '{"choices":[{"delta":{"tool_calls":5}}]}',
        '{"choices":[{"delta":{"tool_calls":[null]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"function":"f"}]}}]}',
        '{"choices":[],"usage":5}',
        '{"choices":[],"usage":[1]}',
        '{"choices":[],"usage":{"prompt_tokens_details":5}}',
    ],
)
def test_refuses_what_is_no_chunk_with_a_value_error(data: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(data)


def test_what_is_wrong_with_a_chunk_is_said() -> None:
    with pytest.raises(ValueError, match=r"^not a chat completion chunk: 'int' object"):
        read('{"choices":[1]}')


@pytest.mark.parametrize(
    "data",
    [
        chunk({}, usage={"completion_tokens": "12"}),
        chunk({}, usage={"completion_tokens": [1]}),
        chunk({}, usage={"prompt_tokens": "12"}),
        chunk({}, usage={"prompt_tokens_details": {"cached_tokens": "4"}}),
        chunk({}, finish_reason=5),
        chunk({}, finish_reason={"type": "stop"}),
    ],
)
def test_counts_are_numbers_and_words_are_text(data: str) -> None:
    """Refused or ignored; later sums would trip over them, far from the event they came in."""
    try:
        delta = read(data)
    except ValueError:
        return
    check_types(delta)


def check_types(delta: Delta) -> None:
    assert delta.finish_reason is None or isinstance(delta.finish_reason, str)
    for count in delta.usage or ():
        assert count is None or isinstance(count, int)


def test_an_empty_finish_reason_is_none() -> None:
    """Some proxies send it in every chunk; it must not pass for the end of the answer."""
    assert read(chunk({"content": "a"}, finish_reason="")).finish_reason is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "usage",
                    "choices",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "finish_reason",
                    "completion_tokens",
                    "prompt_tokens_details",
                    "message",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@many
@given(json_values)
def test_any_json_is_a_delta_or_a_value_error(value: object) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read(orjson.dumps(value)), Delta)


@many
@given(st.binary(max_size=40))
def test_any_bytes_are_a_delta_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read(data), Delta)


def asked(**more: Any) -> Ask:
    fields: dict[str, Any] = {
        "model": "a/b:1",
        "messages": (("system", "s"), ("user", "u")),
        "max_tokens": 7,
        "temperature": 0.5,
        "seed": None,
        "stream_usage": True,
        "extra": {},
    }
    return Ask(**(fields | more))


def body(**more: Any) -> dict[str, Any]:
    found = orjson.loads(OpenAIChat().body(asked(**more)))
    assert isinstance(found, dict)
    return found


def test_the_body() -> None:
    assert body() == {
        "model": "a/b:1",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 7,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_seed_is_sent_when_there_is_one() -> None:
    assert body(seed=0)["seed"] == 0
    assert "seed" not in body(seed=None)


def test_usage_is_not_asked_for_where_it_is_not_wanted() -> None:
    assert "stream_options" not in body(stream_usage=False)


def test_extra_keys_are_added_and_win() -> None:
    found = body(extra={"top_p": 0.9, "max_tokens": 1})
    assert (found["top_p"], found["max_tokens"], found["stream"]) == (0.9, 1, True)


def test_text_of_any_language_is_sent_as_it_is() -> None:
    (_, user) = body(messages=(("system", ""), ("user", "gr\u00fc\u00df \U0001f600 \u2028")))[
        "messages"
    ]
    assert user["content"] == "gr\u00fc\u00df \U0001f600 \u2028"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"message": "no"}, "no"),
        ({"message": 5}, "5"),
        ("no", "no"),
        ({"message": ""}, '{"message":""}'),
        ([1], "[1]"),
        (None, "null"),
    ],
)
def test_error_text(error: object, text: str) -> None:
    assert error_text(error) == text


FOUNDRY_08 = (
    '{"model":"m","choices":[{"delta":{"role":"assistant","content":"ence","tool_calls":[]},'
    '"message":{"role":"assistant","content":"ence","tool_calls":[]},"index":0}],'
    '"created":1762612476,"CreatedAt":"2025-11-08T14:34:36+00:00","id":"chat.id.1",'
    '"IsDelta":false,"Successful":true,"HttpStatusCode":0,"object":"chat.completion.chunk"}'
)


def test_a_chunk_of_foundry_local_0_8_is_read_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAIChat, "_read_any", None)
    assert read(FOUNDRY_08) == Delta("ence")
