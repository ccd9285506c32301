"""Pictures: the images that requests carry, as the chat API's content parts. Pure.

An image is a part of type ``image_url`` whose URL holds the file itself (``data:``, base64).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tailrace.errors import UsageError
from tailrace.scenarios.data import MadeImages
from tailrace.scenarios.items import Content, Item
from tailrace.scenarios.png import MOST_PIXELS, png

Part = dict[str, Any]
MOST_IMAGES = 100
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


class Pictures:
    """The same files in each request, and made images of its own."""

    def __init__(self, files: Sequence[Part], made: MadeImages | None, seed: int, salt: str):
        self._files = tuple(files)
        self._made = made
        self._key = f"{salt}:{seed}"

    def of(self, number: int) -> tuple[Part, ...]:
        """The parts of the ``number``-th request or item."""
        if self._made is None:
            return self._files
        made = self._made
        keys = (f"{self._key}:{number}:{index}" for index in range(made.count))
        images = (image_part(png(made.width, made.height, key), "image/png") for key in keys)
        return (*self._files, *images)


def with_parts(content: Content, parts: Sequence[Part]) -> Content:
    """A message's content with images behind it; unchanged without any."""
    if not parts:
        return content
    texts = ({"type": "text", "text": content},) if isinstance(content, str) else content
    return (*texts, *parts)


def with_pictures(item: Item, parts: Sequence[Part]) -> Item:
    """An item whose last message of the user carries the images."""
    messages = list(item.messages)
    for index in reversed(range(len(messages))):
        role, content = messages[index]
        if role == "user":
            messages[index] = role, with_parts(content, parts)
            return replace(item, messages=tuple(messages))
    return replace(item, messages=(*messages, ("user", tuple(parts))))


def image_part(data: bytes, kind: str) -> Part:
    """OpenAI's content part of an image file."""
    url = f"data:{kind};base64,{b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def image_kind(data: bytes) -> str | None:
    """The media type by the file's first bytes; None for another kind of file."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for lead, kind in _KINDS if data.startswith(lead)), None)


def parse_made_images(text: str, what: str = "--images") -> MadeImages:
    """``2@512x512``: two images of that size in each request."""
    match = re.fullmatch(r"(?:(\d{1,3})@)?(\d{1,5})x(\d{1,5})", text.strip())
    if match is None:
        raise UsageError(f"{what} {text!r} is not a number and a size like 1@512x512")
    count, width, height = int(match[1] or 1), int(match[2]), int(match[3])
    if not 1 <= count <= MOST_IMAGES or not 0 < width * height <= MOST_PIXELS:
        raise UsageError(
            f"{what} {text!r} is out of range: 1 to {MOST_IMAGES} images of at most "
            f"{MOST_PIXELS} pixels"
        )
    return MadeImages(count, width, height)
