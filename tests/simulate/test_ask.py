"""Every body is understood or refused in OpenAI's words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.simulate.ask import MAX_TOKENS, Ask, Refusal, read_ask, refusal_of, tokens_in

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
        ({"max_tokens": MAX_TOKENS + 1}, 400, "max_tokens", None),
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
        ({"stream_options": {"include_usage": 1}}, "include_usage", False),
        ({"stream_options": [1]}, "include_usage", False),
        ({"ignore_eos": True}, "ignore_eos", True),
        ({}, "ignore_eos", False),
        ({"ignore_eos": 1}, "ignore_eos", False),
        ({"stream": 1}, "stream", False),
        ({}, "model", "sim"),
        ({}, "shape", "chat"),
        ({}, "inputs", 0),
        ({"max_tokens": 1}, "max_tokens", 1),
        ({"max_tokens": MAX_TOKENS}, "max_tokens", MAX_TOKENS),
        ({"messages": [{"content": "x" * 8}, {"content": "y" * 8}]}, "prompt_tokens", 4),
        ({"messages": [{"content": [{"text": "x" * 8}, {"text": "y" * 4}]}]}, "prompt_tokens", 3),
        ({"messages": [{"content": [{"text": 5}, 3, {"text": "y" * 8}]}]}, "prompt_tokens", 2),
        ({"messages": [{"content": "x" * 40}]}, "prompt_tokens", 10),
        ({"messages": [{"content": [{"text": "x" * 8}, {}]}, 3]}, "prompt_tokens", 2),
        ({"messages": [{"role": "user"}]}, "prompt_tokens", 1),
    ],
)
def test_fields(more: dict[str, Any], name: str, value: object) -> None:
    assert getattr(read(**more), name) == value


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"model": None}, "you must provide a model parameter"),
        ({"model": "o/x"}, "The model `o/x` does not exist or you do not have access to it."),
        ({"messages": []}, "'messages' must be a non-empty array."),
        ({"max_tokens": 0}, f"'max_tokens' must be an integer from 1 to {MAX_TOKENS}."),
    ],
)
def test_the_words_of_a_refusal(more: dict[str, Any], said: str) -> None:
    refusal = read(**more)
    assert isinstance(refusal, Refusal)
    error = json.loads(refusal.body())["error"]
    assert (error["message"], error["type"]) == (said, "invalid_request_error")
    assert (error["param"], error["code"]) == (refusal.param, refusal.code)


def test_a_body_that_is_no_object_is_told_from_one_that_is_no_json() -> None:
    broken, other = read_ask(b"{", MODELS), read_ask(b"[]", MODELS)
    assert isinstance(broken, Refusal)
    assert isinstance(other, Refusal)
    assert broken.message == "We could not parse the JSON body of your request."
    assert other.message == "The body must be a JSON object."


@pytest.mark.parametrize(
    ("status", "answered", "kind", "code", "said"),
    [
        (400, 400, "invalid_request_error", None, "Bad Request."),
        (401, 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
        (404, 404, "invalid_request_error", "model_not_found", "The model `m` does not exist"),
        (429, 429, "requests", "rate_limit_exceeded", "Rate limit reached."),
        (413, 413, "invalid_request_error", None, "Request Entity Too Large."),
        (500, 500, "server_error", None, "The server had an error."),
        (503, 500, "server_error", None, "The server had an error."),
    ],
)
def test_a_status_has_its_refusal(
    status: int, answered: int, kind: str, code: str | None, said: str
) -> None:
    refusal = refusal_of(status, "m")
    assert (refusal.status, refusal.kind, refusal.code) == (answered, kind, code)
    assert refusal.message.startswith(said)
    assert refusal.param == ("model" if status == 404 else None)


def test_four_characters_are_a_token() -> None:
    assert [tokens_in(size) for size in (0, 3, 4, 7, 8, 41)] == [1, 1, 1, 1, 2, 10]
