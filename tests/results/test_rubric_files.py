"""The rubric's files in a run's folder, and how they come into what is rebuilt."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tailrace.errors import ResultError
from tailrace.results.files import RunFolder
from tailrace.results.rubric_files import RubricFolder
from tailrace.results.rubric_judge import Judged
from tailrace.results.rubric_sheet import Sample, digest, written

from .builders import row, run_folder

TEXT = "An answer."
ROWS = [row(100 * k, id=f"r{k}", prompt="1", text=TEXT) for k in range(20)]
SAMPLE = Sample("m", "r1", "1", TEXT, ("tone",))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return run_folder(tmp_path / "run", ROWS)


def line(request: str = "r1", score: int = 4) -> Judged:
    return Judged("m", request, "1", digest(TEXT), "j", "f", {"tone": score})


def test_without_rubric_files_the_documents_are_as_ever(folder: RunFolder) -> None:
    _, (result,), _ = folder.rebuild()
    assert "quality" not in result
    assert not (folder.path / "rubric").exists()
    assert RubricFolder(folder.path).rubric(folder.read_facts()) is None


def test_scores_come_into_every_report(folder: RunFolder) -> None:
    files = RubricFolder(folder.path)
    empty = written([SAMPLE], ("tone",))
    files.write_sheet(empty.replace(f'"{TEXT}",""', f'"{TEXT}","5"'))
    files.append(line())
    _, (result,), _ = folder.rebuild()
    (tone,) = result["quality"]["facets"]
    assert tone["human"]["mean"] == 5
    assert tone["judges"]["j"]["mean"] == 4
    assert orjson.loads((folder.path / "m" / "result.json").read_bytes())["quality"]
    for name in ("report.md", "report.html"):
        text = (folder.path / name).read_text(encoding="utf-8")
        assert "Quality" in text
        assert "people scored 1 of 1 rows" in text
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    folder.rebuild()
    assert {path: path.read_bytes() for path in before} == before


def test_a_line_that_was_cut_off_is_left_out_and_mended(folder: RunFolder) -> None:
    files = RubricFolder(folder.path)
    files.append(line())
    with files.judge_path.open("ab") as file:
        file.write(line("r2").to_json()[:40])
    assert [one.request for one in files.judged()] == ["r1"]
    files.mend()
    files.append(line("r3"))
    assert [one.request for one in files.judged()] == ["r1", "r3"]


def test_a_bad_line_is_named(folder: RunFolder) -> None:
    files = RubricFolder(folder.path)
    files.append(line())
    with files.judge_path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(ResultError, match=r"judge\.jsonl' line 2"):
        folder.rebuild()


def test_a_sheet_of_another_run_is_refused(folder: RunFolder) -> None:
    other = Sample("m", "elsewhere", "1", TEXT, ("tone",))
    RubricFolder(folder.path).write_sheet(written([SAMPLE, other], ("tone",)))
    with pytest.raises(ResultError, match=r"line 3, field 'request'.*'elsewhere'.*another one"):
        folder.rebuild()


def test_results_read_back_with_what_is_said_now(folder: RunFolder) -> None:
    facts, results, _ = folder.rebuild()
    assert folder.read_results(facts) == results
    RubricFolder(folder.path).append(line(score=2))
    (now,) = folder.read_results(facts)
    assert now["quality"]["judge_mean"] == 2
    assert "quality" not in orjson.loads((folder.path / "m" / "result.json").read_bytes())


@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b"{}"])
def test_a_document_that_is_not_whole_names_the_way_out(
    folder: RunFolder, data: bytes | None
) -> None:
    facts, _, _ = folder.rebuild()
    path = folder.path / "m" / "result.json"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ResultError, match=r"result\.json'.*tailrace report"):
        folder.read_results(facts)


def test_no_model_can_take_the_rubrics_place() -> None:
    from tailrace.results.files import safe_name

    assert safe_name("rubric") == "_rubric"
