"""A level from its workers' shares: what stays with each, and when."""

from __future__ import annotations

import pytest

from tailrace.results.merge import merge_into
from tailrace.results.pulse_facts import PulseFacts

from .builders import row, stage


@pytest.mark.parametrize(("node", "parts"), [("", 0), ("b", 1)])
def test_a_lone_worker_is_the_level_and_elsewhere_keeps_its_place(node: str, parts: int) -> None:
    whole = stage([row(1)], users=3)
    part = stage([row(1)], users=3, node=node, max_in_flight=2, pulse=PulseFacts(wall_ns=7))
    merge_into(whole, [part])
    assert [each.node for each in whole.parts] == [node] * parts
    assert (whole.max_in_flight, whole.pulse.wall_ns) == (2, 7)
    assert whole.books == part.books
