"""The catalogue names what it serves."""

import pytest

from tailrace.simulate.faults import CATALOGUE, due

NAMES = (
    *("http_401", "http_404", "http_429", "http_500", "not_sse", "error_event", "truncated"),
    *("no_done", "reset", "stall", "empty", "garbage_json", "close_idle", "connection_close"),
)


def test_every_fault_is_named_and_described() -> None:
    assert set(NAMES) <= set(CATALOGUE)
    assert all(fault.name == name and fault.about for name, fault in CATALOGUE.items())


@pytest.mark.parametrize(
    ("every", "struck"), [(1, [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6]), (3, [3, 6]), (7, [])]
)
def test_fault_strikes_every_so_many(every: int, struck: list[int]) -> None:
    assert [number for number in range(1, 7) if due(every, number)] == struck
