"""Reported minus true, request by request."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tailrace.errors import ResultError
from tailrace.results.accuracy import accuracy_of, errors_of

from .builders import MS, row, waited


def known(arrived_ms: int, *writes_ms: float) -> dict[str, Any]:
    return {"arrived_ns": arrived_ms * MS, "writes_ns": [round(ms * MS) for ms in writes_ms]}


def test_errors_are_reported_minus_true_on_clocks_of_their_own() -> None:
    truth = {"a": known(5_000, 5_099, 5_109, 5_121), "b": known(0, 50)}
    rows = [row(0, 100, (10, 11), id="a"), row(500, 49, (), id="b")]
    errors = errors_of(rows, truth)
    assert errors.ttft_ns == [1 * MS, -1 * MS]
    assert errors.gap_ns == [0, -1 * MS]
    assert errors.e2e_ns == [0, -1 * MS]


def test_only_answers_that_ended_well_are_compared() -> None:
    rows = [waited("timeout", 5_000, id="t"), row(0, None, outcome="error", id="e")]
    assert errors_of(rows, {}).ttft_ns == []
    rows += [row(None, None, id="u"), row(0, None, id="w"), row(0, 5, (), id="a")]
    assert errors_of(rows, {"a": known(0, 3)}).ttft_ns == [2 * MS]


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ({}, "no record of the request r0"),
        ({"r0": known(0, 100, 110)}, "request r0: .* wrote 2 chunks, 4 were reported"),
    ],
)
def test_what_cannot_be_matched_is_not_passed_over(truth: dict[str, Any], said: str) -> None:
    with pytest.raises(ResultError, match=said):
        errors_of([row(0)], truth)


@pytest.mark.parametrize(
    ("errors", "median", "p99", "most"),
    [
        ([5], 5, 5, 5),
        ([-7, 1, 2], 1, 7, 7),
        (list(range(-100, 101)), 0, 99, 100),
        ([*[1] * 99, -1_000], 1, 1, 1_000),
    ],
)
def test_figures_of_errors(errors: list[int], median: int, p99: int, most: int) -> None:
    shuffled = random.Random(7).sample(errors, len(errors))
    found = accuracy_of(shuffled)
    assert (found.n, found.median_ns, found.p99_abs_ns, found.max_abs_ns) == (
        *(len(errors), median, p99, most),
    )


def test_a_p99_wants_its_samples() -> None:
    assert not accuracy_of([1] * 661).certified
    assert accuracy_of([1] * 662).certified
