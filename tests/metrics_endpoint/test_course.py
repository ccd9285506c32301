"""The course of a run, from files that grow."""

from __future__ import annotations

from pathlib import Path

from tailrace.metrics_endpoint.course import ROWS, Course
from tailrace.results.export.level_figures import LevelFigures
from tailrace.results.export.openmetrics import Now
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder

from ..results.builders import facts, row, run_folder, stage


def ok(figures: LevelFigures) -> int:
    return figures.outcomes["measure", "ok"]


def follow(course: Course) -> int:
    """How often it paused."""
    return sum(1 for _ in course.follow())


def running(*stages: int) -> RunFacts:
    """With these levels, the last of them under way."""
    made = [stage([], index, index + 1, load=f"{index + 1}") for index in stages]
    made[-1].ended_ns = None
    return facts(ModelFacts("m", "m", stages=made))


def test_rows_are_taken_as_they_come(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, [row(0, phase="cold", stage=-1), row(1)])
    folder.write_facts(running(0))
    course = Course(folder)
    assert [ok(level) for level in course.exposed(None).levels] == [0]
    follow(course)
    assert [ok(level) for level in course.exposed(None).levels] == [1]
    journal = folder.open_journal("m")
    journal.append(row(2).to_json())
    journal.append(row(3, stage=1).to_json())
    journal.close()
    folder.write_facts(running(0, 1))
    follow(course)
    follow(course)
    levels = course.exposed(None).levels
    assert [(ok(level), level.users, level.load) for level in levels] == [
        (2, None, "1"),  # it is over and asks for nobody
        (1, 2, "2"),
    ]


def test_the_journals_of_several_workers(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, [])
    (tmp_path / "m" / "requests.jsonl").unlink(missing_ok=True)
    folder.write_facts(running(0))
    for part in ("0", "2", "earlier"):
        (tmp_path / "m" / f"requests.{part}.jsonl").write_bytes(row(1).to_json())
    (tmp_path / "m" / "requests-set-aside.jsonl").write_bytes(row(1).to_json())
    course = Course(folder)
    follow(course)
    assert [ok(level) for level in course.exposed(None).levels] == [3]


def test_a_long_journal_is_taken_with_pauses(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, [row(n) for n in range(2 * ROWS + 1)])
    course = Course(folder)
    assert follow(course) == 2
    assert [ok(level) for level in course.exposed(None).levels] == [2 * ROWS + 1]


def test_what_the_run_tells_is_of_the_level_under_way(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, [])
    folder.write_facts(running(0, 1))
    course = Course(folder)
    now = Now("m", 2, "measure", 1.0, None, 1, {})
    assert course.exposed(now).now == now
    assert course.exposed(now._replace(level=1)).now is None
    assert course.exposed(now._replace(model="other")).now is None


def test_a_model_that_has_failed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_facts(facts(ModelFacts("a", "a", "failed"), ModelFacts("b", "b", "running")))
    assert Course(folder).exposed(None).models == {"a": False}
