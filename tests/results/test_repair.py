"""Journals of a broken run: made whole, nothing lost, nothing doubled, whenever it breaks again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results import repair
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder
from tailrace.results.repair import SET_ASIDE, make_parts, mend_journals
from tailrace.results.schema import Row, parse_row

from .builders import facts, row, run_folder, stage

COLD = row(0, 50, phase="cold", stage=-1, id="m-cold")
FIRST = [row(100 + k, 50, id=f"m-0-{k}") for k in range(4)]
SECOND = [row(900 + k, 50, id=f"m-1-{k}", stage=1) for k in range(4, 7)]


def broken(path: Path, tail: bytes = b"") -> tuple[RunFolder, RunFacts]:
    """One level finished, one begun."""
    folder = run_folder(path, [COLD, *FIRST, *SECOND])
    with (path / "m" / "requests.jsonl").open("ab") as file:
        file.write(tail)
    return folder, facts(ModelFacts("m", "m", stages=[stage(FIRST)]), ended=None)


def ids(path: Path) -> list[str]:
    return [parse_row(line, "").id for line in path.read_bytes().splitlines()]


def names(rows: Sequence[Row]) -> list[str]:
    return [each.id for each in rows]


def test_rows_of_an_unfinished_level_are_set_aside(tmp_path: Path) -> None:
    folder, run = broken(tmp_path)
    found = mend_journals(folder, run)
    assert ids(tmp_path / "m" / "requests.jsonl") == names([COLD, *FIRST])
    assert ids(tmp_path / "m" / SET_ASIDE) == names(SECOND)
    assert run.models[0].set_aside_rows == 3
    assert run.models[0].dropped_lines == 0
    assert found.next_sequence == {
        "m": 4
    }  # the level that is held anew asks what it would have asked
    assert found.last_ns == max(each.ended_ns for each in SECOND)


TAIL = SECOND[0].to_json()


@given(cut=st.integers(1, len(TAIL) - 1))
def test_a_half_written_line_is_dropped_and_counted(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("run")
    folder, run = broken(path, TAIL[:cut])
    mend_journals(folder, run)
    journal = (path / "m" / "requests.jsonl").read_bytes()
    assert journal.endswith(b"\n")
    assert ids(path / "m" / "requests.jsonl") == names([COLD, *FIRST])
    assert ids(path / "m" / SET_ASIDE) == names(SECOND)
    assert (run.models[0].dropped_lines, run.models[0].torn_lines) == (1, 0)


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_repair_that_breaks_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    folder, run = broken(tmp_path)
    real, done = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        if len(done) == ["before", "between", "after"].index(moment):
            raise KeyboardInterrupt
        done.append(target.name)
        return real(self, target)

    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        patched.setattr(Path, "replace", replace)
        mend_journals(folder, run)
    assert done == [SET_ASIDE, "requests.jsonl"][: len(done)]
    for _ in range(2):
        mend_journals(folder, run)
        assert ids(tmp_path / "m" / "requests.jsonl") == names([COLD, *FIRST])
        assert ids(tmp_path / "m" / SET_ASIDE) == names(SECOND)
        assert run.models[0].set_aside_rows == 3


def test_whole_journals_are_left_alone(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, [COLD, *FIRST])
    before = (tmp_path / "m" / "requests.jsonl").read_bytes()
    run = facts(ModelFacts("m", "m", stages=[stage(FIRST)]), ModelFacts("n", "n"))
    assert mend_journals(folder, run).next_sequence == {"m": 4}
    assert (tmp_path / "m" / "requests.jsonl").read_bytes() == before
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["requests.jsonl"]
    assert not (tmp_path / "n").exists()


def test_parts_of_workers_are_joined_and_made_a_part_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for part, rows in ((0, [COLD]), (1, FIRST[::2]), (2, [*FIRST[1::2], *SECOND])):
        journal = folder.open_journal("m", part)
        for each in rows:
            journal.append(each.to_json())
        journal.append(SECOND[0].to_json()[:9] if part == 1 else b"")
        journal.close()
    run = facts(ModelFacts("m", "m", stages=[stage(FIRST)]), ended=None)
    mend_journals(folder, run)
    assert (run.models[0].dropped_lines, run.models[0].torn_lines) == (1, 0)
    make_parts(folder, run)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        SET_ASIDE,
        "requests.earlier.jsonl",
    ]
    journal = folder.open_journal("m", 1)
    late = [row(5_000 + k, 50, id=f"m-1.1-{k}", stage=1) for k in range(2)]
    for each in late:
        journal.append(each.to_json())
    journal.close()
    run.models[0].stages.append(stage(late, 1))
    folder.join(run)
    assert ids(tmp_path / "m" / "requests.jsonl") == names([COLD, *FIRST, *late])
    assert ids(tmp_path / "m" / SET_ASIDE) == names(SECOND)
    assert run.models[0].dropped_lines == 1


def test_a_line_that_is_no_request_is_named(tmp_path: Path) -> None:
    folder, run = broken(tmp_path, b"{}\n")
    with pytest.raises(ResultError, match=r"requests\.jsonl' line 9"):
        mend_journals(folder, run)


def test_the_names_of_the_files() -> None:
    assert not Path(repair.SET_ASIDE).match("requests.*.jsonl")  # it would count as a worker's part
    assert Path(repair.EARLIER).match("requests.*.jsonl")
