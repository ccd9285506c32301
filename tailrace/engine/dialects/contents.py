"""Contents: a message's content as other dialects than the chat API want it. Pure.

Rule: an item's content is text, or the chat API's parts (``text``, ``image_url``), or all of a
message but its role (tool calls). Each dialect writes these in its own words; what it has no words
for is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

Messages = Sequence[tuple[str, object]]


def parts_of(content: object) -> Iterator[dict[str, Any]]:
    """The parts of any content; a text is one part."""
    if isinstance(content, dict):
        content = content.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, Iterable):
        yield from (part for part in content if isinstance(part, dict))


def text_of(content: object) -> str:
    """A message's text; of one in parts, the texts among them."""
    return "".join(
        str(part.get("text", "")) for part in parts_of(content) if part.get("type") == "text"
    )


def image_of(part: dict[str, Any]) -> str | None:
    """The URL of an image part, None of any other."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    return url if isinstance(url, str) else None


def image_data(url: str) -> tuple[str, str] | None:
    """(media type, base64) of a ``data:`` URL, None of any other."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head[len("data:") : -len(";base64")], data


def field_of(content: object, name: str) -> Any:
    """A field of a message that has more than a content, None where there is none."""
    return content.get(name) if isinstance(content, dict) else None


def calls_of(content: object) -> Iterator[tuple[str, str, Any]]:
    """(id, name, arguments) of each tool call of an assistant's message, arguments as an object."""
    for call in field_of(content, "tool_calls") or ():
        function = call.get("function") or {}
        try:
            arguments = orjson.loads(function.get("arguments") or "{}")
        except orjson.JSONDecodeError:
            arguments = {}
        yield str(call.get("id", "")), str(function.get("name", "")), arguments


def split_system(messages: Messages) -> tuple[str, list[tuple[str, object]]]:
    """The text of the system messages, and the others."""
    system = [text_of(content) for role, content in messages if role == "system"]
    return "\n\n".join(system), [pair for pair in messages if pair[0] != "system"]


def prompt_of(messages: Messages) -> str:
    """All texts as one prompt, for dialects that only continue a text."""
    return "\n\n".join(filter(None, (text_of(content) for _, content in messages)))


def call_piece(
    name: object, arguments: object, index: int | None, call_id: str = ""
) -> dict[str, Any]:
    """A tool call, or a piece of one, as the chat API writes it; without an index it is whole."""
    text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    function = {"name": str(name or ""), "arguments": text}
    return {"index": index, "id": call_id, "function": function}
