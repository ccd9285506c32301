"""What each dialect reads: events and whole answers by hand, beside the captured ones."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.delta import Delta, Usage

USAGE = '"usage":{"completion_tokens":3,"prompt_tokens":9}'

A, G, C, L, R = (
    *("anthropic-messages", "ollama-generate", "ollama-chat"),
    *("llamacpp-completion", "openai-responses"),
)


def piece(name: str, arguments: str, index: int | None = 0, call_id: str = "") -> dict[str, Any]:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


EVENTS: dict[tuple[str, str], Delta] = {
    (A, '{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}'): Delta("a"),
    (A, '{"type":"content_block_delta","delta":{"type":"text_delta"}}'): Delta(),
    (A, '{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"t"}}'): Delta(
        reasoning="t"
    ),
    (A, '{"type":"content_block_delta","delta":{"type":"thinking_delta"}}'): Delta(),
    (A, '{"type":"content_block_delta","delta":{"type":"signature_delta"}}'): Delta(),
    (
        A,
        '{"type":"content_block_delta","index":2,'
        '"delta":{"type":"input_json_delta","partial_json":"{"}}',
    ): Delta(tool=True, calls=[piece("", "{", 2)]),
    (A, '{"type":"content_block_delta","delta":{"type":"input_json_delta"}}'): Delta(
        calls=[piece("", "")]
    ),
    (A, '{"type":"content_block_start","content_block":{"type":"text","text":"a"}}'): Delta("a"),
    (A, '{"type":"content_block_start","content_block":{"type":"thinking","thinking":"t"}}'): Delta(
        reasoning="t"
    ),
    (
        A,
        '{"type":"content_block_start","index":1,'
        '"content_block":{"type":"tool_use","id":"c1","name":"f","input":{}}}',
    ): Delta(tool=True, calls=[piece("f", "", 1, "c1")]),
    (
        A,
        '{"type":"content_block_start","content_block":{"type":"tool_use","input":{"x":1}}}',
    ): Delta(calls=[piece("", '{"x":1}')]),
    (
        A,
        '{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1,'
        '"cache_read_input_tokens":3,"cache_creation_input_tokens":2}}}',
    ): Delta(usage=Usage(None, 14, 3)),
    (A, '{"type":"message_start","message":{}}'): Delta(usage=Usage()),
    (
        A,
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}',
    ): Delta(finish_reason="end_turn", usage=Usage(7)),
    (A, '{"type":"message_delta","delta":{"stop_reason":"refusal"}}'): Delta(
        finish_reason="refusal", usage=Usage(), refusal=True
    ),
    (A, '{"type":"message_delta","delta":{}}'): Delta(usage=Usage()),
    (A, '{"type":"message_stop"}'): Delta(done=True),
    (A, '{"type":"ping"}'): Delta(),
    (A, '{"type":"error","error":{"message":"busy"}}'): Delta(error="busy"),
    (A, '{"type":"error","message":"busy"}'): Delta(error="busy"),
    (A, '{"error":{"message":"busy"}}'): Delta(error="busy"),
    (C, '{"message":{"content":"a","thinking":"t"}}'): Delta("a", "t"),
    (C, '{"message":{}}'): Delta(),
    (C, '{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"x":1}}},{}]}}'): Delta(
        tool=True, calls=[piece("f", '{"x":1}', None)]
    ),
    (C, '{"message":{"tool_calls":[{"function":{"name":"f"}}]}}'): Delta(
        tool=True, calls=[piece("f", "{}", None)]
    ),
    (
        C,
        '{"message":{"content":"z","thinking":"t","tool_calls":[{"function":{"name":"f"}}]},'
        '"done":true,"done_reason":"stop","eval_count":3,"prompt_eval_count":9}',
    ): Delta("z", "t", True, "stop", Usage(3, 9), done=True, calls=[piece("f", "{}", None)]),
    (C, '{"message":{},"done":true}'): Delta(done=True),
    (C, '{"error":"busy"}'): Delta(error="busy"),
    (G, '{"response":"a","thinking":"t"}'): Delta("a", "t"),
    (G, '{"response":"","done":true,"done_reason":"length","eval_count":3}'): Delta(
        finish_reason="length", usage=Usage(3), done=True
    ),
    (G, '{"error":{"message":"busy"}}'): Delta(error="busy"),
    (L, "[DONE]"): Delta(),
    (L, '{"content":"a"}'): Delta("a"),
    (L, '{"content":null,"tokens_predicted":0}'): Delta(usage=Usage(0)),
    (
        L,
        '{"content":"","stop":true,"stop_type":"eos","tokens_predicted":3,"tokens_evaluated":9,'
        '"timings":{"cache_n":2}}',
    ): Delta(finish_reason="eos", usage=Usage(3, 9, 2), done=True),
    (L, '{"content":"","stop":true,"stopped_eos":true}'): Delta(finish_reason="eos", done=True),
    (L, '{"content":"","stop":true,"stopped_limit":true,"stopped_eos":false}'): Delta(
        finish_reason="limit", done=True
    ),
    (L, '{"content":"","stop":true,"stopped_word":true}'): Delta(finish_reason="word", done=True),
    (L, '{"content":"","stop":true}'): Delta(done=True),
    (L, '{"content":"","stop_type":"none"}'): Delta(),
    (L, '{"error":{"message":"busy"}}'): Delta(error="busy"),
    (R, "[DONE]"): Delta(),
    (R, '{"type":"response.output_text.delta","delta":"a"}'): Delta("a"),
    (R, '{"type":"response.output_text.delta","delta":"ab","logprobs":[{},{}]}'): Delta(
        "ab", usage=Usage(chunk_tokens=2)
    ),
    (R, '{"type":"response.output_text.delta"}'): Delta(),
    (R, '{"type":"response.reasoning_text.delta","delta":"t"}'): Delta(reasoning="t"),
    (R, '{"type":"response.reasoning_summary_text.delta","delta":"t"}'): Delta(reasoning="t"),
    (R, '{"type":"response.reasoning_text.delta","delta":{}}'): Delta(),
    (R, '{"type":"response.refusal.delta","delta":"No."}'): Delta("No.", refusal=True),
    (R, '{"type":"response.refusal.delta"}'): Delta(refusal=True),
    (R, '{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{"}'): Delta(
        tool=True, calls=[piece("", "{", 2)]
    ),
    (R, '{"type":"response.function_call_arguments.delta"}'): Delta(calls=[piece("", "")]),
    (
        R,
        '{"type":"response.output_item.added","output_index":1,'
        '"item":{"type":"function_call","name":"f","call_id":"c1"}}',
    ): Delta(tool=True, calls=[piece("f", "", 1, "c1")]),
    (R, '{"type":"response.output_item.added","item":{"type":"function_call"}}'): Delta(
        calls=[piece("", "")]
    ),
    (R, '{"type":"response.output_item.added","item":{"type":"message","name":"f"}}'): Delta(),
    (R, '{"type":"response.output_item.added"}'): Delta(),
    (
        R,
        '{"type":"response.completed","response":{"status":"completed","usage":{"output_tokens":3,'
        '"input_tokens":9,"input_tokens_details":{"cached_tokens":4},'
        '"output_tokens_details":{"reasoning_tokens":2}}}}',
    ): Delta(finish_reason="completed", usage=Usage(3, 9, 4, 2), done=True),
    (
        R,
        '{"type":"response.incomplete","response":{"status":"incomplete",'
        '"incomplete_details":{"reason":"max_output_tokens"},"usage":{"output_tokens":3}}}',
    ): Delta(finish_reason="max_output_tokens", usage=Usage(3), done=True),
    (R, '{"type":"response.failed","response":{"status":"failed"}}'): Delta(
        error="the response failed without a reason", done=True
    ),
    (R, '{"type":"response.failed","response":{"status":"failed","error":{"message":"b"}}}'): Delta(
        error="b", done=True
    ),
    (R, '{"type":"error","message":"busy"}'): Delta(error="busy"),
    (R, '{"error":{"message":"busy"}}'): Delta(error="busy"),
    (R, '{"type":"response.created"}'): Delta(),
    ("openai-completions", "[DONE]"): Delta(done=True),
    ("openai-completions", '{"choices":[{"text":"a","finish_reason":null}]}'): Delta("a"),
    ("openai-completions", '{"choices":[{"text":null,"finish_reason":"stop"}]}'): Delta(
        finish_reason="stop"
    ),
    ("openai-completions", '{"choices":[],' + USAGE + "}"): Delta(usage=Usage(3, 9)),
    ("openai-completions", "{" + USAGE + "}"): Delta(usage=Usage(3, 9)),
    ("openai-completions", '{"choices":[{"text":"ab","logprobs":{"tokens":["a","b"]}}]}'): Delta(
        "ab", usage=Usage(chunk_tokens=2)
    ),
    ("openai-completions", '{"error":{"message":"busy"}}'): Delta(error="busy"),
}
WHOLE: dict[tuple[str, str], Delta] = {
    (
        A,
        '{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"},'
        '{"type":"text","text":"b"},{"type":"tool_use","id":"c1","name":"f","input":{"x":1}},'
        '{"type":"tool_use","name":"g","input":{}},{"type":"other"}],'
        '"stop_reason":"tool_use","usage":{"input_tokens":9,"output_tokens":3}}',
    ): Delta(
        *("ab", "t", True, "tool_use", Usage(3, 9)),
        done=True,
        calls=[piece("f", '{"x":1}', 0, "c1"), piece("g", "{}", 1)],
    ),
    (A, '{"content":[],"stop_reason":"refusal"}'): Delta(
        finish_reason="refusal", usage=Usage(), done=True, refusal=True
    ),
    (A, '{"content":[]}'): Delta(usage=Usage(), done=True),
    (A, '{"error":{"message":"busy"}}'): Delta(error="busy", done=True),
    (C, '{"message":{"content":"a"},"done":true,"eval_count":3}'): Delta(
        "a", usage=Usage(3), done=True
    ),
    (G, '{"response":"a","done":true}'): Delta("a", done=True),
    (L, '{"content":"a","stop":true}'): Delta("a", done=True),
    (
        R,
        '{"status":"completed","output":['
        '{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],'
        '"content":[{"type":"reasoning_text","text":"t"}]},'
        '{"type":"message","content":[{"type":"output_text","text":"a"},'
        '{"type":"output_text"},{"type":"refusal","refusal":"no"}]},'
        '{"type":"function_call","name":"f","arguments":"{}","call_id":"c1"},'
        '{"type":"function_call","name":"g","arguments":"","call_id":"c2"}]}',
    ): Delta(
        *("ano", "ts", True, "completed"),
        done=True,
        calls=[piece("f", "{}", 0, "c1"), piece("g", "", 1, "c2")],
        refusal=True,
    ),
    (R, '{"status":"incomplete","output":[],"usage":{"output_tokens":1}}'): Delta(
        finish_reason="incomplete", usage=Usage(1), done=True
    ),
    (R, '{"status":"failed","output":[]}'): Delta(
        error="the response failed without a reason", done=True
    ),
    (R, '{"error":{"message":"busy"}}'): Delta(error="busy", done=True),
    ("openai-completions", '{"choices":[{"text":"a","finish_reason":"length"}]}'): Delta(
        "a", finish_reason="length", done=True
    ),
    ("openai-completions", '{"choices":[],' + USAGE + "}"): Delta(usage=Usage(3, 9), done=True),
    ("openai-completions", '{"error":"busy"}'): Delta(error="busy", done=True),
}
WRONG = {
    (A, "[]"): "not an? (event of a )?message: AttributeError 'list'",
    (C, "[]"): "not a line of a chat: AttributeError 'list'",
    (G, "{}"): "not a line of a generation: KeyError 'response'",
    (L, "{}"): "not a completion event: KeyError 'content'",
    (R, "[]"): "not an? (event of a )?response: AttributeError 'list'",
    ("openai-completions", '{"choices":[5]}'): "not a completion: AttributeError 'int'",
    ("openai-completions", "[]"): "not a completion: AttributeError 'list'",
}


@pytest.mark.parametrize(("name", "data"), EVENTS)
def test_events(name: str, data: str) -> None:
    assert dialect_of(name).read("", data.encode()) == EVENTS[name, data]


@pytest.mark.parametrize(("name", "data"), WHOLE)
def test_whole_answers(name: str, data: str) -> None:
    assert dialect_of(name).read_whole(data.encode()) == WHOLE[name, data]


@pytest.mark.parametrize(("name", "data"), WRONG)
def test_what_is_of_no_dialect_is_said(name: str, data: str) -> None:
    for read in (dialect_of(name).read_whole, lambda one: dialect_of(name).read("", one)):
        with pytest.raises(ValueError, match=WRONG[name, data]):
            read(data.encode())


def test_the_type_of_an_event_may_stand_beside_it() -> None:
    assert dialect_of(A).read("message_stop", b"{}") == Delta(done=True)
    assert dialect_of(R).read("response.output_text.delta", b'{"delta":"a"}') == Delta("a")


def test_a_whole_completion_has_choices() -> None:
    with pytest.raises(ValueError, match="not a completion: KeyError 'choices'"):
        dialect_of("openai-completions").read_whole(b"{}")
    assert dialect_of("openai-completions").read("", b"{}") == Delta()
