"""What a request body asks of an adapter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tailrace.adapter_host.asks import read_ask

HELLO = [{"role": "user", "content": "hello"}]


def ask(**body: Any) -> Any:
    return read_ask(json.dumps({"model": "m", "messages": HELLO} | body).encode())


def test_everything_but_ours_is_a_parameter() -> None:
    found = ask(stream=True, stream_options={"include_usage": True}, max_tokens=8, top_k=3)
    assert (found.model, found.prompt, found.stream, found.include_usage) == (
        "m",
        "hello",
        True,
        True,
    )
    assert found.params == {"max_tokens": 8, "top_k": 3, "messages": HELLO}
    assert found.limit == 8


def test_what_is_left_out() -> None:
    found = ask()
    assert (found.stream, found.include_usage, found.limit) == (False, False, None)


@pytest.mark.parametrize("limit", [0, -1, 2.5, "8", True, None])
def test_a_limit_that_is_none(limit: object) -> None:
    assert ask(max_tokens=limit).limit is None


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([{"role": "system", "content": "be brief"}, *HELLO], "hello"),
        (
            [*HELLO, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "bye"}],
            "bye",
        ),
        ([*HELLO, {"role": "tool", "content": "42"}], "hello"),
        ([{"role": "system", "content": "only this"}], "only this"),
        ([], ""),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what "},
                        {"type": "image_url", "image_url": {"url": "data:,"}},
                        {"type": "text", "text": "is it?"},
                    ],
                }
            ],
            "what is it?",
        ),
        ([{"role": "user", "content": None}], ""),
    ],
)
def test_the_prompt_is_the_last_users_text(messages: list[dict[str, Any]], prompt: str) -> None:
    assert ask(messages=messages).prompt == prompt


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "no 'messages'"),
        (b"{}", "no 'messages'"),
        (b'{"messages": "hello"}', "no 'messages'"),
        (b'{"messages": ["hello"]}', "no 'messages'"),
    ],
)
def test_a_body_that_asks_nothing(body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_ask(body)
