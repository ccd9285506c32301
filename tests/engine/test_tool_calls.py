"""Tool calls from the pieces of a stream."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.engine.dialects.tool_calls import assembled


def call(name: str, arguments: str, identity: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": identity, "type": "function", "function": function}


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([], []),
        (
            [
                [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}],
                [{"index": 0, "function": {"arguments": '{"a"'}}],
                [{"index": 0, "function": {"arguments": ":1}"}}],
            ],
            [call("f", '{"a":1}', "c1")],
        ),
        (
            [
                [{"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{}"}}],
                [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}}],
            ],
            [call("f", "{}", "c1"), call("g", "{}", "c2")],
        ),
        (
            [[{"id": "a", "function": {"name": "f"}}, {"id": "b", "function": {"name": "f"}}]],
            [call("f", "", "a"), call("f", "", "b")],
        ),
        ([[{"index": 0, "function": {"name": "f"}}]], [call("f", "", "")]),
        ([[{"index": 0, "id": "c1", "function": None}]], []),
        ([None, "x", [3, {"function": {"name": 4}}]], []),
    ],
)
def test_pieces_become_calls(pieces: list[Any], calls: list[dict[str, Any]]) -> None:
    assert assembled(pieces) == calls
