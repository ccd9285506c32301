"""No name of a server's, of a file's or of a link decides where something is written."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import orjson
import pytest

from tailrace.errors import ResultError
from tailrace.results.atomic import appending, own_folder, write_atomic
from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder, safe_name, unique_names
from tailrace.results.journal import JOURNAL

from ..results.builders import facts, row, run_folder, stage
from .inside import Inside

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")

EVIL_IDS = (
    *("../../out", "/etc/out", "..\\..\\out", "C:\\out", "C:out", "..", ".", "~/out", "a/../../b"),
    *("nul", "CON", "con.txt", "LPT1", "x:stream", "x.", "x ", ".hidden", "-rf", "$(out)", "`out`"),
    *("a\x00b", "a\nb", "．．／out", "a\u2215b", "a\u202eb", "\u0130", "x" * 5000),  # noqa: RUF001
    *("run.json", "report.html", "report.html.part", "rubric", "RUN.JSON", ""),
)


def test_every_id_gets_a_plain_folder_of_its_own(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    names = unique_names(EVIL_IDS)
    for name in names:
        (run / name).mkdir()
        assert name == safe_name(name)
        assert (run / name).resolve().parent == run.resolve()
        assert name.isascii()
        assert len(name) <= 80
    assert len(list(run.iterdir())) == len(EVIL_IDS)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("folder", ["../out", "/out", "a/b", "..", "", "x\x00", "CON"])
@pytest.mark.parametrize(
    "command",
    [("report",), ("watch", "--once"), ("export", "--format", "hgrm", "-o", "x"), ("query",)],
)
def test_a_run_json_names_no_place_outside(
    inside: Inside, tmp_path: Path, folder: str, command: tuple[str, ...]
) -> None:
    rows = [row(sent_ms=1)]
    made = run_folder(tmp_path / "RUN", rows)
    document = orjson.loads((made.path / "run.json").read_bytes())
    document["models"][0]["folder"] = folder
    (made.path / "run.json").write_bytes(orjson.dumps(document))
    name, *options = command
    sql = ["SELECT 1"] if name == "query" else []
    code, printed = inside(name, "RUN", *sql, *options)
    assert code == 2
    assert "cannot be a model's folder" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"RUN"}


@links
def test_a_link_at_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    path = tmp_path / "result.json"
    for name in ("result.json", "result.json.part"):
        (tmp_path / name).symlink_to(target)
        write_atomic(path, b"new")
        assert path.read_bytes() == b"new"
        assert not path.is_symlink()
    assert target.read_bytes() == b"precious"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["result.json", "target"]


@links
def test_nothing_is_appended_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / JOURNAL).symlink_to(target)
    with pytest.raises(ResultError, match=r"requests\.jsonl' is a symbolic link"):
        appending(tmp_path / JOURNAL)
    assert not target.exists()


@links
def test_a_models_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    rows = [row(sent_ms=1)]
    made = run_folder(tmp_path / "run", rows)
    elsewhere = tmp_path / "elsewhere"
    (made.path / "m").rename(elsewhere)
    (made.path / "m").symlink_to(elsewhere)
    before = sorted(elsewhere.iterdir())
    with pytest.raises(ResultError, match="is a symbolic link"):
        made.rebuild()
    with pytest.raises(ResultError, match="is a symbolic link"):
        made.open_journal("m")
    assert sorted(elsewhere.iterdir()) == before


@links
def test_a_link_at_the_place_of_a_new_run_is_passed_by(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "stamp-name").symlink_to(elsewhere)
    made = RunFolder.create(tmp_path, "stamp", "name")
    assert made.path.name == "stamp-name-2"
    assert not list(elsewhere.iterdir())


@links
@pytest.mark.parametrize(
    ("umask", "folder_mode", "file_mode"),
    [(0o000, 0o775, 0o664), (0o022, 0o755, 0o644), (0o077, 0o700, 0o600)],
)
def test_nothing_is_writable_for_all_and_the_umask_holds(
    tmp_path: Path, umask: int, folder_mode: int, file_mode: int
) -> None:
    before = os.umask(umask)
    try:
        made = RunFolder.create(tmp_path, "stamp", "name")
        journal = made.open_journal("m")
        journal.append(row(sent_ms=1).to_json())
        journal.close()
        own_folder(made.path / "more")
        rows = [row(sent_ms=1)]
        made.write_facts(facts(ModelFacts("m", "m", "ok", stages=[stage(rows)])))
        made.rebuild()
    finally:
        os.umask(before)
    for path in (made.path, *made.path.rglob("*")):
        wanted = folder_mode if path.is_dir() else file_mode
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
