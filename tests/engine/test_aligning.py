"""Aligning: what is made of a server's counts, and of servers that do not count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from tailrace.engine.aligning import aligned, aligned_line
from tailrace.engine.stop import Stop
from tailrace.engine.worker import Target, Worker
from tailrace.results.facts import Books, ModelFacts, StageFacts
from tailrace.results.schema import Row
from tailrace.scenarios.data import Alignment, Data
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.sizes import parse_sizes

TARGET = Target("m", "m", "http://h/v1")


class Counting:
    """A worker whose server counts by ``count`` of the words."""

    def __init__(self, count: Callable[[int], int | None], align: bool = True, **row: Any) -> None:
        data = Data(input_tokens=parse_sizes("normal:200,10", "-i"), align=align)
        self.scenario = Scenario("http://h/v1", ("m",), (Level(1, 0, None, 1),), data=data)
        self.asked: list[Item] = []
        self._count = count
        self._row = row

    async def probe(self, item: Item, target: Target) -> Row:
        self.asked.append(item)
        tokens = self._count(len(str(item.messages[0][1]).split()))
        return Row(item.id, -1, 0, "cold", 0, input_tokens=tokens, **self._row)


async def align(worker: Counting) -> tuple[Target, ModelFacts]:
    model = ModelFacts("m", "m")
    found = await aligned(cast(Worker, worker), TARGET, model, Stop())
    return found, model


@pytest.mark.asyncio
@pytest.mark.parametrize(("rate", "overhead"), [(1.0, 0), (1.0, 33), (4.5, 8), (0.5, 100)])
async def test_a_line_through_the_counts(rate: float, overhead: int) -> None:
    worker = Counting(lambda words: round(words * rate) + overhead)
    target, model = await align(worker)
    assert target.alignment is not None
    assert target.alignment.tokens_per_piece == pytest.approx(rate, abs=0.01)
    assert target.alignment.overhead_tokens == pytest.approx(overhead, abs=1)
    assert model.alignment is not None
    assert abs(model.alignment["check"]["prompt_tokens"] - 200) <= 1 + rate
    assert len({str(item.messages) for item in worker.asked}) == 4
    assert all(item.max_tokens == 1 for item in worker.asked)
    line = aligned_line(model)
    assert line is not None
    assert line.startswith("m: prompt lengths aligned: ")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("worker", "says"),
    [
        (Counting(lambda words: None), "does not report prompt_tokens"),
        (Counting(lambda words: 7), "its counts make no sense: 0 tokens a piece"),
        (Counting(lambda words: 1000 - words), "its counts make no sense"),
        (
            Counting(lambda words: 9, outcome="error", error="HTTP 400: too long"),
            "HTTP 400: too long",
        ),
    ],
)
async def test_without_sensible_counts_lengths_stay(worker: Counting, says: str) -> None:
    target, model = await align(worker)
    assert target is TARGET
    line = aligned_line(model)
    assert line is not None
    assert says in line
    assert "not aligned" in line


@pytest.mark.asyncio
async def test_nothing_is_asked_where_nothing_is_to_be_aligned() -> None:
    worker = Counting(lambda words: words, align=False)
    target, model = await align(worker)
    assert (target, model.alignment, worker.asked) == (TARGET, None, [])
    assert aligned_line(model) is None


@pytest.mark.asyncio
async def test_a_user_who_stops_is_not_kept_waiting() -> None:
    stop = Stop()
    stop.ask()

    class Silent(Counting):
        async def probe(self, item: Item, target: Target) -> Row:
            import anyio

            await anyio.sleep(60)
            raise AssertionError

    model = ModelFacts("m", "m")
    target = await aligned(cast(Worker, Silent(lambda words: words)), TARGET, model, stop)
    assert (target, model.alignment) == (TARGET, None)


def test_pieces_of_a_size() -> None:
    assert Alignment(1.25, 25).pieces(525) == 400
    assert Alignment(1.0, 25).pieces(10) == 1


@pytest.mark.asyncio
async def test_a_resumed_model_keeps_the_line_of_its_finished_levels() -> None:
    worker = Counting(lambda words: 2 * words + 10)
    _, model = await align(worker)
    before, asked = dict(model.alignment or {}), len(worker.asked)
    model.stages.append(StageFacts(0, 1, 0.0, None, 1, 0, Books()))
    target = await aligned(cast(Worker, worker), TARGET, model, Stop())
    assert target.alignment == Alignment(2.0, 10.0)
    assert (model.alignment, len(worker.asked)) == (before, asked)
