"""Asks: each shape's own words are understood, and refused by the field that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tailrace.simulate.ask import MAX_TOKENS, Ask, Refusal
from tailrace.simulate.asks import READERS

MODELS = ("sim",)
SHAPES = {
    "/v1/completions": ("completions", "prompt", "max_tokens", False),
    "/v1/responses": ("responses", "input", "max_output_tokens", False),
    "/v1/messages": ("anthropic", "messages", "max_tokens", False),
    "/api/chat": ("ollama-chat", "messages", "num_predict", True),
    "/api/generate": ("ollama-generate", "prompt", "num_predict", True),
    "/completion": ("llamacpp", "prompt", "n_predict", False),
}
"""Path -> its name here, where the prompt is, what the limit is called, whether it streams."""
all_paths = pytest.mark.parametrize("path", SHAPES)


def read(path: str, limit: Any = None, **more: Any) -> Ask | Refusal:
    _, prompt, name, _ = SHAPES[path]
    given: dict[str, Any] = {"model": "sim", prompt: "x" * 40}
    if limit is not None:
        given |= {"options": {name: limit}} if name == "num_predict" else {name: limit}
    return READERS[path.encode()](json.dumps(given | more).encode(), MODELS)


def asked(path: str, limit: Any = None, **more: Any) -> Ask:
    found = read(path, limit, **more)
    assert isinstance(found, Ask)
    return found


def refused(path: str, limit: Any = None, **more: Any) -> Refusal:
    found = read(path, limit, **more)
    assert isinstance(found, Refusal)
    assert found.status == (404 if found.code else 400)
    return found


def test_every_path_has_a_reader() -> None:
    assert {path.decode() for path in READERS} == set(SHAPES)


@all_paths
def test_what_a_shape_takes_for_granted(path: str) -> None:
    found = asked(path)
    shape, _, _, streams = SHAPES[path]
    assert (found.model, found.shape, found.stream) == ("sim", shape, streams)
    assert (found.max_tokens, found.ignore_eos, found.prompt_tokens) == (None, False, 10)
    assert found.include_usage == (shape != "completions")
    assert found.inputs == 0


@all_paths
def test_what_a_request_may_say(path: str) -> None:
    found = asked(path, 5, stream=True, ignore_eos=True, stream_options={"include_usage": True})
    assert (found.stream, found.max_tokens, found.ignore_eos) == (True, 5, True)
    assert found.include_usage
    assert not asked(path, stream=False).stream
    assert not asked(path, stream=1, ignore_eos=1).ignore_eos
    assert not asked(path, stream="yes").stream
    assert asked(path, MAX_TOKENS).max_tokens == MAX_TOKENS
    assert asked(path, 1).max_tokens == 1


@pytest.mark.parametrize("options", [None, [], {}, {"include_usage": False}])
def test_completions_count_only_for_whom_asks(options: Any) -> None:
    assert not asked("/v1/completions", stream_options=options).include_usage


@all_paths
@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "5", MAX_TOKENS + 1])
def test_a_limit_that_is_none_is_refused_by_its_name(path: str, limit: Any) -> None:
    found = refused(path, limit)
    assert str(found.param).endswith(SHAPES[path][2])
    assert found.message == f"'{found.param}' must be an integer from 1 to {MAX_TOKENS}."


@all_paths
def test_a_request_without_a_prompt_or_a_model_is_refused(path: str) -> None:
    prompt = SHAPES[path][1]
    for empty in (None, "", []):
        found = refused(path, **{prompt: empty})
        assert (found.param, found.message) == (prompt, f"'{prompt}' must not be empty.")
    assert refused(path, model="other").code == "model_not_found"
    assert refused(path, model=None).param == "model"
    assert isinstance(READERS[path.encode()](b"{", MODELS), Refusal)


@pytest.mark.parametrize("options", [None, 3, {}, [1]])
def test_options_that_hold_no_limit(options: Any) -> None:
    assert asked("/api/chat", options=options).max_tokens is None


@pytest.mark.parametrize(
    ("path", "more", "characters"),
    [
        ("/v1/messages", {"system": "x" * 8, "messages": [{"content": "y" * 12}]}, 20),
        ("/v1/messages", {"messages": [{"content": [{"text": "y" * 12}, {"text": "z" * 4}]}]}, 16),
        ("/v1/messages", {"messages": [{"content": [{"type": "image"}, 3, None]}]}, 0),
        ("/v1/responses", {"instructions": "x" * 8, "input": "y" * 16}, 24),
        ("/v1/responses", {"input": [{"content": "y" * 8}, {"content": [{"text": "z" * 8}]}]}, 16),
        ("/v1/completions", {"prompt": ["x" * 8, "y" * 24]}, 32),
        ("/api/generate", {"system": "x" * 8, "prompt": "y" * 8}, 16),
    ],
)
def test_all_texts_of_a_prompt_count(path: str, more: dict[str, Any], characters: int) -> None:
    assert asked(path, **more).prompt_tokens == max(1, characters // 4)
