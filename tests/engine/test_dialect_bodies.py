"""What each dialect asks: the same messages and settings in its own words."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from tailrace.engine.dialects.choice import OWN, dialect_of
from tailrace.engine.dialects.delta import Ask, url_of
from tailrace.engine.dialects.tool_calls import assembled
from tailrace.engine.outgoing import Outgoing
from tailrace.scenarios.dialects import OWN as NAMES
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Level, Scenario

PIXEL = "data:image/png;base64,AAAA"
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
TALK = (
    ("system", "Be brief."),
    ("user", ({"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": PIXEL}})),
    ("assistant", {"content": None, "tool_calls": [CALL]}),
    ("tool", {"content": "7", "tool_call_id": "c1"}),
)


def body(name: str, messages: Any = (("user", "Hi"),), **extra: Any) -> dict[str, Any]:
    asked = Ask("m", messages, 9, 0.5, 3, True, extra)
    found: dict[str, Any] = orjson.loads(dialect_of(name).body(asked))
    return found


PLAIN = {
    "openai-completions": {
        **{"model": "m", "prompt": "Hi", "max_tokens": 9, "temperature": 0.5, "stream": True},
        **{"seed": 3, "stream_options": {"include_usage": True}},
    },
    "openai-responses": {
        **{"model": "m", "max_output_tokens": 9, "temperature": 0.5, "stream": True},
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "store": False,
    },
    "anthropic-messages": {
        **{"model": "m", "max_tokens": 9, "temperature": 0.5, "stream": True},
        "messages": [{"role": "user", "content": "Hi"}],
    },
    "ollama-chat": {
        **{"model": "m", "stream": True},
        "messages": [{"role": "user", "content": "Hi"}],
        "options": {"num_predict": 9, "temperature": 0.5, "seed": 3},
    },
    "ollama-generate": {
        **{"model": "m", "stream": True, "prompt": "Hi"},
        "options": {"num_predict": 9, "temperature": 0.5, "seed": 3},
    },
    "llamacpp-completion": {
        **{"model": "m", "prompt": "Hi", "n_predict": 9, "temperature": 0.5, "stream": True},
        "seed": 3,
    },
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_prompt(name: str) -> None:
    assert body(name) == PLAIN[name]


def test_the_names_are_the_same_everywhere() -> None:
    assert tuple(OWN) == NAMES


def test_a_talk_with_an_image_and_a_tool() -> None:
    responses = body("openai-responses", TALK)
    assert responses["instructions"] == "Be brief."
    assert [item.get("type", item.get("role")) for item in responses["input"]] == [
        *("user", "function_call", "function_call_output")
    ]
    see = [{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": PIXEL}]
    assert responses["input"] == [
        {"role": "user", "content": see},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "7"},
    ]
    said = ({"content": "So.", "tool_calls": []}, {"content": [{"type": "text"}]})
    answers = body("openai-responses", [("assistant", each) for each in said])["input"]
    assert answers == [
        {"role": "assistant", "content": [{"type": "output_text", "text": text}]}
        for text in ("So.", "")
    ]
    (result,) = body("openai-responses", [("tool", "7")])["input"]
    assert result == {"type": "function_call_output", "call_id": "", "output": "7"}
    anthropic = body("anthropic-messages", TALK)
    assert anthropic["system"] == "Be brief."
    user, assistant, result = anthropic["messages"]
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    blocks = [{"type": "text", "text": "See"}, {"type": "image", "source": source}]
    assert user == {"role": "user", "content": blocks}
    call = {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}}
    assert assistant == {"role": "assistant", "content": [call]}
    assert result["role"] == "user"
    assert result["content"][0] == {"type": "tool_result", "tool_use_id": "c1", "content": "7"}
    ollama = body("ollama-chat", TALK)["messages"]
    assert [message["role"] for message in ollama] == ["system", "user", "assistant", "tool"]
    assert ollama[1] == {"role": "user", "content": "See", "images": ["AAAA"]}
    assert ollama[2]["tool_calls"] == [{"function": {"name": "f", "arguments": {"x": 1}}}]
    generate = body("ollama-generate", TALK)
    assert (generate["system"], generate["images"]) == ("Be brief.", ["AAAA"])


def test_the_chat_api_takes_messages_as_they_are() -> None:
    found = body("openai-chat", TALK)["messages"]
    assert found == [
        {"role": role, **(content if isinstance(content, dict) else {"content": content})}
        for role, content in orjson.loads(orjson.dumps(TALK))
    ]
    assert found[2] == {"role": "assistant", "content": None, "tool_calls": [CALL]}


def test_an_image_that_is_elsewhere_is_named_and_an_empty_text_is_left_out() -> None:
    picture = {"type": "image_url", "image_url": {"url": "http://h/x.png"}}
    messages = (("user", ({"type": "text", "text": ""}, picture)), ("tool", {"content": "7"}))
    user, result = body("anthropic-messages", messages)["messages"]
    source = {"type": "url", "url": "http://h/x.png"}
    assert user["content"] == [{"type": "image", "source": source}]
    assert result["content"] == [{"type": "tool_result", "tool_use_id": "", "content": "7"}]
    assert "images" not in body("ollama-chat", messages)["messages"][0]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((), {"anthropic-version": "2023-06-01"}),
        ((("X-Mine", "1"),), {"anthropic-version": "2023-06-01", "x-mine": "1"}),
        ((("Anthropic-Version", "2024"),), {"anthropic-version": "2024"}),
        (
            (
                ("X-Api-Key", "mine"),
                ("Authorization", "Bearer local"),
                ("anthropic-version", "2024"),
            ),
            {"anthropic-version": "2024", "x-api-key": "mine", "authorization": "Bearer local"},
        ),
    ],
)
def test_what_the_user_gives_is_not_replaced(
    given: tuple[tuple[str, str], ...], sent: dict[str, str]
) -> None:
    found = dialect_of("anthropic-messages").headers(given)
    assert {name.lower(): value for name, value in found} == sent
    assert len(found) == len(sent)


def test_extra_keys_come_last_and_options_go_beside_ours() -> None:
    found = body("ollama-chat", options={"num_ctx": 4096, "num_predict": 2}, keep_alive="5m")
    assert found["keep_alive"] == "5m"
    assert found["options"] == {"num_predict": 2, "temperature": 0.5, "seed": 3, "num_ctx": 4096}
    assert body("anthropic-messages", max_tokens=5)["max_tokens"] == 5


@pytest.mark.parametrize("name", [name for name in NAMES if name != "openai-embeddings"])
def test_the_nonce_has_one_place(name: str) -> None:
    level = Level(1, 0.0, None, 1)
    scenario = Scenario("http://h/v1", ("m",), (level,), system="Be brief.")
    outgoing = Outgoing(scenario, "m", dialect_of(name))
    item = Item("1", (("user", "Hi"),))
    one, other = (outgoing.request(item, number, "id").body for number in (1, 2))
    assert one != other
    assert len(one) == len(other)
    assert orjson.loads(one).keys() == orjson.loads(other).keys()


@pytest.mark.parametrize(
    ("name", "base", "url"),
    [
        ("ollama-chat", "http://h:1/v1", "http://h:1/api/chat"),
        ("ollama-generate", "http://h:1/sub/v1", "http://h:1/sub/api/generate"),
        ("llamacpp-completion", "http://h:1/sub", "http://h:1/sub/completion"),
        ("anthropic-messages", "http://h:1/v1", "http://h:1/v1/messages"),
        ("openai-responses", "http://h:1/v1", "http://h:1/v1/responses"),
    ],
)
def test_where_it_goes(name: str, base: str, url: str) -> None:
    assert url_of(base, dialect_of(name)) == str(httpx.URL(url))


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("local", {"authorization": "Bearer local", "x-api-key": "local"}),
        ("sk-ant-api03-x", {"x-api-key": "sk-ant-api03-x"}),
        ("sk-ant-oat01-x", {"authorization": "Bearer sk-ant-oat01-x"}),
    ],
)
def test_where_anthropics_key_goes(key: str, sent: dict[str, str]) -> None:
    given = (("Authorization", f"Bearer {key}"), ("X-Mine", "1"))
    found = {n.lower(): v for n, v in dialect_of("anthropic-messages").headers(given)}
    assert found == sent | {"x-mine": "1", "anthropic-version": "2023-06-01"}


def test_calls_of_several_lines_stay_apart() -> None:
    ollama = dialect_of("ollama-chat")
    call = {"function": {"name": "f", "arguments": {"x": 1}}}
    line = orjson.dumps({"message": {"tool_calls": [call]}, "done": False})
    pieces = [ollama.read("", line).calls for _ in range(2)]
    assert [made["function"]["arguments"] for made in assembled(pieces)] == ['{"x":1}'] * 2
