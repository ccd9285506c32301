"""Contents of messages, taken apart: texts, images, tool calls and system messages."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.engine.dialects.contents import (
    call_piece,
    calls_of,
    field_of,
    image_data,
    image_of,
    parts_of,
    prompt_of,
    split_system,
    text_of,
)

A, B = {"type": "text", "text": "a"}, {"type": "text", "text": "b"}
PICTURE = {"type": "image_url", "image_url": {"url": "u"}}


@pytest.mark.parametrize(
    ("content", "parts", "text"),
    [
        ("a", [A], "a"),
        ("", [{"type": "text", "text": ""}], ""),
        ((A, PICTURE, B), [A, PICTURE, B], "ab"),
        ((A, "x", {"type": "text"}), [A, {"type": "text"}], "a"),
        ({"content": "a", "tool_calls": []}, [A], "a"),
        ({"content": [A, PICTURE]}, [A, PICTURE], "a"),
        ({"content": None}, [], ""),
        ({"tool_calls": []}, [], ""),
        (5, [], ""),
    ],
)
def test_parts_and_texts(content: object, parts: list[Any], text: str) -> None:
    assert list(parts_of(content)) == parts
    assert text_of(content) == text


@pytest.mark.parametrize(
    ("part", "url"),
    [
        (PICTURE, "u"),
        ({"image_url": "u"}, "u"),
        ({"image_url": {"detail": "low"}}, None),
        ({"image_url": 5}, None),
        (A, None),
    ],
)
def test_images(part: dict[str, Any], url: str | None) -> None:
    assert image_of(part) == url


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("data:image/png;base64,AA,A", ("image/png", "AA,A")),
        ("data:image/png,AAAA", None),
        ("http://h/x;base64,AAAA", None),
        ("data:image/png;base64", None),
    ],
)
def test_what_an_image_holds(url: str, data: tuple[str, str] | None) -> None:
    assert image_data(url) == data


def test_fields_and_calls() -> None:
    calls = [
        {"id": "c1", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"function": {"name": "g", "arguments": ""}},
        {"id": 5, "function": {"arguments": "{oops"}},
        {"id": "c4", "function": None},
    ]
    content = {"content": "a", "tool_calls": calls}
    assert (field_of(content, "content"), field_of(content, "x"), field_of("a", "x")) == (
        *("a", None, None),
    )
    assert list(calls_of(content)) == [
        *(("c1", "f", {"x": 1}), ("", "g", {}), ("5", "", {}), ("c4", "", {}))
    ]
    assert list(calls_of("a")) == []


def test_system_messages_are_taken_out_and_a_prompt_is_all_texts() -> None:
    talk = [("system", "s"), ("user", (A, B)), ("system", (A,)), ("assistant", ""), ("user", "z")]
    assert split_system(talk) == ("s\n\na", [talk[1], talk[3], talk[4]])
    assert split_system(talk[1:2]) == ("", talk[1:2])
    assert prompt_of(talk) == "s\n\nab\n\na\n\nz"


def test_pieces_of_calls() -> None:
    function = {"name": "f", "arguments": '{"x":1}'}
    assert call_piece("f", {"x": 1}, 2, "c") == {"index": 2, "id": "c", "function": function}
    assert call_piece("f", '{"x":1}', None) == {"index": None, "id": "", "function": function}
    assert call_piece(None, "", 0)["function"] == {"name": "", "arguments": ""}
