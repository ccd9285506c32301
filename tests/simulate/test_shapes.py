"""Each shape is what a real server of that kind sends, and our dialects read the answer from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.delta import Delta
from tailrace.simulate.ask import RATE_LIMITED, Ask
from tailrace.simulate.chunks import text
from tailrace.simulate.shapes import frames_of, whole_of

from ..command import ROOT

DIALECTS = {
    "completions": "openai-completions",
    "responses": "openai-responses",
    "anthropic": "anthropic-messages",
    "ollama-chat": "ollama-chat",
    "ollama-generate": "ollama-generate",
    "llamacpp": "llamacpp-completion",
}
FINISH = {
    "responses": ("completed", "max_output_tokens"),
    "anthropic": ("end_turn", "max_tokens"),
    "llamacpp": ("eos", "limit"),
}
"""What each says of an answer that is whole, and of one that was cut; else ``stop``, ``length``."""
CLOSED = ("type", "object", "role", "done", "stop", "status", "code")
"""Fields whose value is one of a few words."""
DOCUMENTED = {
    ("responses", ".output_index:int"),
    ("responses", ".content_index:int"),
    ("responses", ".response.created_at:int"),
    ("responses", ".response.output[].status='incomplete'"),
    ("responses", ".response.output[].content[].annotations:list"),
}
"""What the vendor documents and no captured answer happens to hold."""


def ask(shape: str, **more: Any) -> Ask:
    given: dict[str, Any] = {"max_tokens": None, "ignore_eos": False, "include_usage": True}
    return Ask("org/m", True, prompt_tokens=9, shape=shape, **(given | more))


def unframed(raw: bytes) -> bytes:
    """What HTTP's chunks hold; every length must be right."""
    found = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        found += raw[:length]
        assert raw[length : length + 2] == b"\r\n"
        raw = raw[length + 2 :]
    return found


def events(body: bytes) -> list[tuple[str, str]]:
    """(type in its own line, data) of each event; of NDJSON each line."""
    if body.startswith(b"{"):
        return [("", line) for line in body.decode().splitlines()]
    parts = body.decode().removesuffix("\n\n").split("\n\n")
    found = [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]
    return [(each.get("event", ""), each["data"]) for each in found]


def facts(value: Any, path: str = "") -> Iterator[str]:
    """Every field with its kind, or its word where it is one of a few."""
    if isinstance(value, dict):
        for key, entry in value.items():
            word = key in CLOSED and not isinstance(entry, dict | list)
            yield from [f"{path}.{key}={entry!r}"] if word else facts(entry, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for entry in value:
            yield from facts(entry, f"{path}[]")
    else:
        yield f"{path}:{type(value).__name__}"


def captured(shape: str) -> set[str]:
    """The facts of all answers of such a server that were kept."""
    found = {fact for owner, fact in DOCUMENTED if owner == shape}
    for path in (ROOT / "tests/fixtures" / DIALECTS[shape]).glob("*.http"):
        for line in path.read_text("utf-8").split("\n"):
            data = line.removeprefix("data: ")
            if data.startswith("{"):
                found |= set(facts(json.loads(data)))
    return found


def streamed(shape: str, reason: str, **more: Any) -> list[tuple[str, str]]:
    frames = frames_of(ask(shape, **more), 7, 1234)
    raw = frames.role() + frames.content(0, 2) + frames.content(18, 1)
    return events(unframed(raw + frames.ending(reason, 9, 3)))


def read(shape: str, found: list[tuple[str, str]]) -> list[Delta]:
    dialect = dialect_of(DIALECTS[shape])
    return [dialect.read(kind, data.encode()) for kind, data in found]


def wanted_finish(shape: str, reason: str) -> str:
    return FINISH.get(shape, ("stop", "length"))[reason == "length"]


@pytest.mark.parametrize("shape", DIALECTS)
@pytest.mark.parametrize("reason", ["stop", "length"])
def test_a_stream_has_no_field_that_the_real_server_has_not(shape: str, reason: str) -> None:
    told = [json.loads(data) for _, data in streamed(shape, reason) if data != "[DONE]"]
    found = {fact for event in told for fact in facts(event)}
    if shape == "completions":
        found.discard(".choices:list")  # none beside the counts, as OpenAI's chat has it
    assert found <= captured(shape)


@pytest.mark.parametrize("shape", DIALECTS)
@pytest.mark.parametrize("reason", ["stop", "length"])
def test_our_dialect_reads_the_answer_from_a_stream(shape: str, reason: str) -> None:
    found = read(shape, streamed(shape, reason))
    assert [delta.text for delta in found if delta.text] == [" tail race", " weir"]
    ends = [delta.finish_reason for delta in found if delta.finish_reason]
    assert ends == [wanted_finish(shape, reason)]
    spent = [delta.usage for delta in found if delta.usage is not None]
    assert {usage.input_tokens for usage in spent} - {None} == {9}
    assert [usage.output_tokens for usage in spent if usage.output_tokens is not None][-1] == 3
    assert found[-1].done or shape == "completions"
    assert not any(delta.error for delta in found)


@pytest.mark.parametrize("shape", DIALECTS)
@pytest.mark.parametrize("reason", ["stop", "length"])
def test_an_answer_that_comes_whole_is_read_alike(shape: str, reason: str) -> None:
    whole = whole_of(ask(shape), 7, 1234, reason, 20)
    found = dialect_of(DIALECTS[shape]).read_whole(whole)
    assert found.text == text(20)
    assert found.finish_reason == wanted_finish(shape, reason)
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == (9, 20)
    kinds = {fact.split(".")[-1] for fact in facts(json.loads(whole)) if "=" in fact}
    known = {fact.split(".")[-1] for fact in captured(shape)} | {"status='completed'"}
    assert kinds <= known


@pytest.mark.parametrize("shape", DIALECTS)
def test_every_event_names_the_model_and_the_request_where_the_server_does(shape: str) -> None:
    whole = json.loads(whole_of(ask(shape), 7, 1234, "stop", 3))
    assert whole["model"] == "org/m"
    if shape in ("completions", "responses", "anthropic"):
        other = json.loads(whole_of(ask(shape), 8, 1234, "stop", 3))
        assert whole["id"] != other["id"]
        told = json.dumps([data for _, data in streamed(shape, "stop")])
        assert whole["id"] in told
    if shape in ("completions", "responses"):
        assert whole.get("created", whole.get("created_at")) == 1234


@pytest.mark.parametrize("shape", ["responses", "anthropic"])
def test_an_events_type_stands_beside_it_and_in_it(shape: str) -> None:
    found = streamed(shape, "stop")
    assert found
    assert all(json.loads(data)["type"] == kind for kind, data in found)


def test_the_order_of_typed_events() -> None:
    assert [kind for kind, _ in streamed("anthropic", "stop")] == [
        *("message_start", "content_block_start", "ping"),
        *("content_block_delta", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    kinds = [kind.removeprefix("response.") for kind, _ in streamed("responses", "length")]
    assert kinds == [
        *("created", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.delta", "output_text.done", "incomplete"),
    ]
    assert [kind for kind, _ in streamed("responses", "stop")][-1] == "response.completed"


def test_a_response_says_why_it_is_incomplete_and_its_parts_sum_up() -> None:
    whole = json.loads(whole_of(ask("responses"), 7, 1234, "length", 3))
    assert whole["incomplete_details"] == {"reason": "max_output_tokens"}
    assert (whole["status"], whole["output"][0]["status"]) == ("incomplete", "incomplete")
    assert whole["usage"]["total_tokens"] == 12
    done = json.loads(whole_of(ask("responses"), 7, 1234, "stop", 3))
    assert (done["incomplete_details"], done["status"]) == (None, "completed")
    items = [json.loads(data) for _, data in streamed("responses", "stop")]
    assert len({item["item_id"] for item in items if "item_id" in item}) == 1
    assert items[-2]["text"] == text(3)


def test_llamacpp_counts_up_and_only_its_last_event_stops() -> None:
    told = [json.loads(data) for _, data in streamed("llamacpp", "stop")]
    assert [each["tokens_predicted"] for each in told] == [2, 19, 3]
    assert [each["stop"] for each in told] == [False, False, True]
    assert {each["tokens_evaluated"] for each in told} == {9}
    assert {each["index"] for each in told} == {0}


def test_completions_count_only_for_whom_asked() -> None:
    counted = streamed("completions", "stop")
    assert json.loads(counted[-2][1])["choices"] == []
    assert [data for _, data in streamed("completions", "stop", include_usage=False)] == [
        data for _, data in counted if '"usage"' not in data
    ]
    assert counted[-1][1] == "[DONE]"


@pytest.mark.parametrize("shape", DIALECTS)
def test_an_error_inside_a_stream_is_read_as_one(shape: str) -> None:
    (event,) = events(unframed(frames_of(ask(shape), 7, 1234).error(RATE_LIMITED)))
    (delta,) = read(shape, [event])
    assert delta.error == "Rate limit reached."
    assert set(facts(json.loads(event[1]))) <= captured(shape) | {
        *(".code='requests'", ".error.param:NoneType", ".error.type='requests'"),
        *(".error.code='rate_limit_exceeded'", ".error.message:str", ".error.type='api_error'"),
        *([".error:str"] if "ollama" in shape else []),
    }


@pytest.mark.parametrize("shape", DIALECTS)
def test_garbage_is_an_event_whose_data_breaks_off(shape: str) -> None:
    ((kind, data),) = events(unframed(frames_of(ask(shape), 7, 1234).garbage()))
    assert data.startswith("{")
    with pytest.raises(json.JSONDecodeError):
        json.loads(data)
    if kind:
        assert kind in [each for each, _ in streamed(shape, "stop")]


@pytest.mark.parametrize("shape", DIALECTS)
def test_a_stream_is_called_what_it_is(shape: str) -> None:
    kind = frames_of(ask(shape), 7, 1234).kind
    assert kind.startswith(b"application/x-ndjson" if "ollama" in shape else b"text/event-stream")
    other = frames_of(ask("chat"), 7, 1234).content(0, 1)
    assert json.loads(events(unframed(other))[0][1])["object"] == "chat.completion.chunk"
