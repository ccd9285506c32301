"""Watching: what the files of a run show of it while they grow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tailrace.results.facts import ModelFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.schema import Row
from tailrace.watching import Growing, Watching, under_way

from .results.builders import facts, row, stage

S = 1_000_000_000


def lines(*numbers: int) -> bytes:
    return b"".join(answer(number).to_json() for number in numbers)


def answer(number: int) -> Row:
    """An answer of 3 chunks, 20 ms apart, within the first second."""
    return row(number, 100, [20, 20])


def test_each_look_gives_what_is_new_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    journal = Growing(path)
    assert list(journal.rows()) == []  # not there yet
    path.write_bytes(lines(1, 2) + lines(3)[:20])
    assert [each.user for each in journal.rows()] == [answer(n).user for n in (1, 2)]
    assert list(journal.rows()) == []
    path.write_bytes(lines(1, 2, 3))
    assert [each.id for each in journal.rows()] == [answer(3).id]
    path.write_bytes(lines(9))  # replaced by another, shorter file
    assert [each.id for each in journal.rows()] == [answer(9).id]


def test_the_level_under_way_is_the_last_that_has_not_ended() -> None:
    ended = stage([])
    open_stage = replace(ended, index=1, ended_ns=None)
    assert under_way(facts(ModelFacts("a", "a", stages=[ended]))) is None
    first, second = ModelFacts("a", "a", stages=[ended]), ModelFacts("b", "b", stages=[open_stage])
    assert under_way(facts(first, second, ModelFacts("c", "c"))) == (second, open_stage)


def test_a_look_is_a_snapshot_of_the_level(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "m").mkdir()
    journal = tmp_path / "m" / "requests.jsonl"

    def at_level(open_stage: StageFacts) -> None:
        model = ModelFacts("m", "m", stages=[open_stage])
        folder.write_facts(facts(model, origin_wall_ns=5 * S, scenario={"levels": [{}, {}]}))

    at_level(replace(stage([]), ended_ns=None, measure_until_ns=30 * S, duration_s=30.0))
    journal.write_bytes(lines(1, 2))
    watching = Watching(folder)
    first = watching.look(5 * S + 2 * S)
    assert first is not None
    assert (first.model, first.phase, first.elapsed_s, first.in_flight) == ("m", "measure", 2, None)
    assert (first.ok, first.done_requests, first.requests_per_s) == (2, 2, 1.0)
    assert first.icl_p50_ns is not None
    assert abs(first.icl_p50_ns - 20_000_000) < 20_001
    before = watching.word
    journal.write_bytes(lines(1, 2, 3))
    later = watching.look(5 * S + 31 * S)
    assert later is not None
    assert (later.ok, later.phase) == (3, "drain")
    assert watching.word != before

    at_level(replace(stage([]), index=1, began_ns=S, ended_ns=None, measure_from_ns=S))
    again = watching.look(5 * S + 2 * S)
    assert again is not None
    assert (again.stage_index, again.ok) == (1, 0)  # rows of the level before are not its own


def test_between_levels_there_is_nothing_to_see(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_facts(facts(ModelFacts("m", "m", stages=[stage([])])))
    assert Watching(folder).look(S) is None
