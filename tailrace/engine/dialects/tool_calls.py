"""Tool calls: put together from the pieces in which a stream brings them. Pure.

Rule: the chat API sends a call's id and name first and its arguments in pieces, each piece under
the call's ``index``; servers that send whole calls leave the index out. What is no such piece is
left out: a history that cannot be sent back is of no use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Call = dict[str, Any]
"""As an assistant's message carries it."""


def assembled(pieces: Iterable[Any]) -> list[Call]:
    """Whole calls, in order; ``pieces`` are the ``tool_calls`` lists of the answer's events."""
    calls: dict[int, Call] = {}
    for listed in pieces:
        for piece in listed if isinstance(listed, list) else ():
            if isinstance(piece, dict):
                _add(calls, piece)
    return [call for _, call in sorted(calls.items()) if call["function"]["name"]]


def _add(calls: dict[int, Call], piece: dict[str, Any]) -> None:
    index = piece.get("index")
    if type(index) is not int:
        index = len(calls)
    call = calls.setdefault(
        index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    )
    if isinstance(piece.get("id"), str) and piece["id"]:
        call["id"] = piece["id"]
    function = piece.get("function")
    if not isinstance(function, dict):
        return
    for key in ("name", "arguments"):
        if isinstance(function.get(key), str):
            call["function"][key] += function[key]
