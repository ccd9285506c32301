"""Pictures as the chat API wants them."""

from __future__ import annotations

from base64 import b64decode

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.data import MadeImages
from tailrace.scenarios.items import Item
from tailrace.scenarios.pictures import (
    Pictures,
    image_kind,
    image_part,
    parse_made_images,
    with_parts,
    with_pictures,
)

PART = image_part(b"abc", "image/jpeg")


def test_a_part_is_openais() -> None:
    assert PART == {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,YWJj"}}


def test_content_with_images() -> None:
    assert with_parts("t", ()) == "t"
    assert with_parts("t", (PART,)) == ({"type": "text", "text": "t"}, PART)
    assert with_parts(({"type": "text", "text": "t"},), (PART,)) == (
        {"type": "text", "text": "t"},
        PART,
    )


def test_the_last_message_of_the_user_carries_them() -> None:
    item = Item("x", (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c")))
    roles = with_pictures(item, (PART,)).messages
    assert roles[:3] == item.messages[:3]
    assert roles[3] == ("user", ({"type": "text", "text": "c"}, PART))
    only = with_pictures(Item("x", (("system", "s"),)), (PART,))
    assert only.messages == (("system", "s"), ("user", (PART,)))


def test_made_images_are_of_their_number() -> None:
    pictures = Pictures((PART,), MadeImages(2, 8, 8), 1, "s")
    one, again, other = pictures.of(1), pictures.of(1), pictures.of(2)
    assert one == again
    assert one[0] == PART == other[0]
    assert one[1] != one[2]
    assert one[1:] != other[1:]
    kind, _, data = one[1]["image_url"]["url"].partition(";base64,")
    assert kind == "data:image/png"
    assert image_kind(b64decode(data)) == "image/png"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"", None),
        (b"<svg>", None),
    ],
)
def test_kinds(data: bytes, kind: str | None) -> None:
    assert image_kind(data) == kind


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("1@512x512", MadeImages(1, 512, 512)),
        ("3@8x9", MadeImages(3, 8, 9)),
        ("8x9", MadeImages(1, 8, 9)),
    ],
)
def test_what_is_typed(text: str, made: MadeImages) -> None:
    assert parse_made_images(text) == made


@pytest.mark.parametrize(
    "text",
    ["", "1", "x", "1@", "1@8", "0@8x8", "1@0x8", "1@8x0", "-1@8x8", "1@99999x99999", "101@8x8"],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--images "):
        parse_made_images(text)
