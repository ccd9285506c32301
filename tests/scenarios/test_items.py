"""Items: which one a request asks."""

from __future__ import annotations

from tailrace.scenarios.items import Item, Listed, begun, from_texts, with_system


def test_items_take_turns() -> None:
    source = from_texts(("a", "b", "c"))
    assert [source.item(n).id for n in range(7)] == list("1231231")
    assert source.item(4).messages == (("user", "b"),)
    assert source.distinct == 3


def test_an_item_is_the_same_each_time() -> None:
    source = Listed([Item("x", (("user", "a"),)), Item("x", (("user", "b"),))])
    assert source.item(1) is source.item(3)
    assert source.item(0) is not source.item(1)


def test_a_system_message_goes_before_what_has_none() -> None:
    plain = (("user", "a"), ("assistant", "b"))
    own = (("system", "mine"), ("user", "a"))
    assert with_system(plain, None) == plain
    assert with_system(plain, "Be brief.") == (("system", "Be brief."), *plain)
    assert with_system(own, "Be brief.") == own


def test_a_text_before_a_content_of_each_kind() -> None:
    picture = {"type": "image_url", "image_url": {"url": "x"}}
    call = {"content": None, "tool_calls": []}
    assert begun("text", "[1] ") == "[1] text"
    assert begun((picture,), "[1] ") == ({"type": "text", "text": "[1] "}, picture)
    assert begun(call, "[1] ") is call
