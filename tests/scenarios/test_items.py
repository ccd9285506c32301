"""Items: which one a request asks."""

from __future__ import annotations

from tailrace.scenarios.items import Item, Listed, from_texts


def test_items_take_turns() -> None:
    source = from_texts(("a", "b", "c"))
    assert [source.item(n).id for n in range(7)] == list("1231231")
    assert source.item(4).messages == (("user", "b"),)
    assert source.distinct == 3


def test_an_item_is_the_same_each_time() -> None:
    source = Listed([Item("x", (("user", "a"),)), Item("x", (("user", "b"),))])
    assert source.item(1) is source.item(3)
    assert source.item(0) is not source.item(1)
