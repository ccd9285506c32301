"""What a row of a trace asks: lengths, shared beginnings, past prompts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tailrace.scenarios.items import Item
from tailrace.scenarios.trace_items import TraceItems
from tailrace.scenarios.traces import Trace, TraceRow

BLOCK = 512
TRACE = Trace("t", "mooncake", 1, 0, 0.0)
ids = st.lists(st.integers(0, 3), min_size=1, max_size=5)


def words(items: TraceItems, row: TraceRow) -> list[str]:
    return items.prompt(row).split(" ")


@given(ids, ids, st.integers(1, BLOCK), st.integers(1, BLOCK))
def test_prompts_are_alike_exactly_where_their_hash_ids_are(
    one: list[int], other: list[int], tail: int, other_tail: int
) -> None:
    """Behind the last id in common the texts differ within the five words that hold the id."""
    items = TraceItems(TRACE, "salt")
    lengths = (len(one) - 1) * BLOCK + tail, (len(other) - 1) * BLOCK + other_tail
    first = words(items, TraceRow(0, 1, lengths[0], 1, tuple(one)))
    second = words(items, TraceRow(0, 2, lengths[1], 1, tuple(other)))
    assert (len(first), len(second)) == lengths
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    ends = min(same * BLOCK, *lengths)
    assert first[:ends] == second[:ends]
    if same < min(len(one), len(other)) and min(lengths) >= same * BLOCK + 5:
        assert first[ends : ends + 5] != second[ends : ends + 5]


def test_a_row_without_ids_has_a_prompt_of_its_own() -> None:
    items = TraceItems(TRACE, "salt")
    first, second = (words(items, TraceRow(0, line, 100, 1)) for line in (1, 2))
    assert len(first) == len(second) == 100
    assert first[:5] != second[:5]


def test_input_beyond_the_last_whole_block_without_an_id_is_its_own() -> None:
    items = TraceItems(TRACE, "salt")
    first, second = (words(items, TraceRow(0, line, 600, 1, (7,))) for line in (1, 2))
    assert len(first) == 600
    assert first[:BLOCK] == second[:BLOCK]
    assert first[BLOCK : BLOCK + 5] != second[BLOCK : BLOCK + 5]


def test_another_salt_is_another_text_and_the_same_salt_the_same() -> None:
    row = TraceRow(0, 1, 50, 1, ())
    texts = [TraceItems(TRACE, salt).prompt(row) for salt in ("a", "b", "a")]
    assert texts[0] == texts[2] != texts[1]


def test_an_item_is_named_by_its_line_and_asks_for_the_length() -> None:
    item = TraceItems(TRACE, "").item(TraceRow(0, 17, 4, 33))
    assert (item.id, item.max_tokens) == ("17", 33)
    ((role, text),) = item.messages
    assert role == "user"
    assert len(str(text).split()) == 4


def test_a_past_prompt_is_asked_again_by_its_id() -> None:
    past = Item("greeting", (("user", "hello"),), max_tokens=9)
    items = TraceItems(TRACE, "", {"greeting": past})
    again = items.item(TraceRow(0, 1, 4, 3, (), "greeting"))
    assert (again.id, again.messages, again.max_tokens) == ("greeting", past.messages, 3)
    failed = items.item(TraceRow(0, 1, None, None, (), "greeting"))
    assert failed.max_tokens == 9
    unknown = items.item(TraceRow(0, 2, 4, 3, (), "gone"))
    assert (unknown.id, unknown.max_tokens) == ("2", 3)
