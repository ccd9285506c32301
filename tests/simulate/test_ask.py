"""Every body is understood or refused in OpenAI's words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.simulate.ask import Ask, Refusal, read_ask

from .helpers import body

MODELS = ("sim",)


def read(**more: Any) -> Ask | Refusal:
    return read_ask(json.dumps(body(**more)).encode(), MODELS)


@pytest.mark.parametrize(
    ("more", "status", "param", "code"),
    [
        ({"model": "other"}, 404, "model", "model_not_found"),
        ({"model": None}, 400, "model", None),
        ({"messages": []}, 400, "messages", None),
        ({"messages": "hi"}, 400, "messages", None),
        ({"max_tokens": 0}, 400, "max_tokens", None),
        ({"max_tokens": 1.5}, 400, "max_tokens", None),
        ({"max_tokens": True}, 400, "max_tokens", None),
        ({"max_completion_tokens": -1}, 400, "max_completion_tokens", None),
    ],
)
def test_wrong_fields(more: dict[str, Any], status: int, param: str, code: str | None) -> None:
    refusal = read(**more)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.param, refusal.code) == (status, param, code)
    assert set(json.loads(refusal.body())["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"null", b"3"])
def test_wrong_json(raw: bytes) -> None:
    refusal = read_ask(raw, MODELS)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 400


@given(st.binary())
def test_any_bytes_are_answered(raw: bytes) -> None:
    assert isinstance(read_ask(raw, MODELS), Ask | Refusal)


@pytest.mark.parametrize(
    ("more", "name", "value"),
    [
        ({}, "stream", True),
        ({"stream": False}, "stream", False),
        ({"max_tokens": 7}, "max_tokens", 7),
        ({"max_tokens": 7, "max_completion_tokens": 9}, "max_tokens", 9),
        ({"max_tokens": None}, "max_tokens", None),
        ({"stream_options": {"include_usage": True}}, "include_usage", True),
        ({"stream_options": None}, "include_usage", False),
        ({"ignore_eos": True}, "ignore_eos", True),
        ({"messages": [{"content": "x" * 40}]}, "prompt_tokens", 10),
        ({"messages": [{"content": [{"text": "x" * 8}, {}]}, 3]}, "prompt_tokens", 2),
        ({"messages": [{"role": "user"}]}, "prompt_tokens", 1),
    ],
)
def test_fields(more: dict[str, Any], name: str, value: object) -> None:
    assert getattr(read(**more), name) == value
