"""Prompts and their nonces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.prompts import NONCE_CHARS, NONCE_SLOT, messages, nonce


def scenario(nonce: bool, system: str | None) -> Scenario:
    return Scenario("http://h/v1", ("m",), (Level(1, 0, None, 1),), nonce=nonce, system=system)


def test_a_nonce_is_16_hexadecimal_digits() -> None:
    assert all(re.fullmatch("[0-9a-f]{16}", nonce("s", 1, n)) for n in range(100))
    assert NONCE_CHARS == 16


def test_a_nonce_is_known_for_ever() -> None:
    """A repeated run of an old version must send the same prompts."""
    assert nonce("", 0, 0) == "12eeb29236c397b5"
    assert nonce("s", 1, 2) == "5183327d9bac3604"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=5), st.integers(), st.integers(0)), min_size=2, unique=True)
)
def test_nonces_differ(keys: list[tuple[str, int, int]]) -> None:
    if len({":".join(map(str, key)) for key in keys}) < len(keys):
        return  # a salt that looks like the numbers behind another
    assert len({nonce(*key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("with_nonce", "system", "wanted"),
    [
        (False, None, (("user", "p"),)),
        (True, None, (("user", f"[{NONCE_SLOT}] p"),)),
        (False, "s", (("system", "s"), ("user", "p"))),
        (True, "s", (("system", f"[{NONCE_SLOT}] s"), ("user", "p"))),
        (True, "", (("system", f"[{NONCE_SLOT}] "), ("user", "p"))),
    ],
)
def test_messages(
    with_nonce: bool, system: str | None, wanted: tuple[tuple[str, str], ...]
) -> None:
    assert messages(scenario(with_nonce, system), Item("1", (("user", "p"),))) == wanted


def test_the_nonce_goes_before_the_parts_of_a_message() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    item = Item("1", (("user", (image, {"type": "text", "text": "what is it?"})),))
    ((_, content),) = messages(scenario(True, None), item)
    assert content[0] == {"type": "text", "text": f"[{NONCE_SLOT}] "}
    assert content[1:] == item.messages[0][1]


def test_an_item_with_a_system_message_keeps_its_own() -> None:
    item = Item("1", (("system", "mine"), ("user", "p")))
    assert messages(scenario(False, "theirs"), item) == item.messages
