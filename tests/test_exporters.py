"""Forms that an installed package adds to ``tailrace export``, and each way to get one wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.errors import ResultError, UsageError
from tailrace.exporters import exported, exporter_names
from tailrace.results.export.chosen import Chosen

from .command import ROOT, tailrace
from .plugin_packages import install
from .results.export.runs import finished

SOURCE = """
from pathlib import Path
from tailrace.errors import ResultError

def lines(run, to):
    yield f"{run.name} to {to}\\n"
    for request in run.requests():
        yield f"{request['id']} {request['ttft_ns']}\\n".encode()

def whole(run, to):
    return run.document()["schema"]

def itself(run, to):
    Path(to).write_text(run.name)

def fails(run, to): raise OSError("the disk is gone")
def breaks_off(run, to):
    yield "one"
    raise ValueError("no more")
def number(run, to): return 7
def numbers(run, to): return [7]
def says(run, to): raise ResultError("its own sentence")
not_callable = 7
json = whole
"""
NAMES = ("lines", "whole", "itself", "fails", "breaks_off", "number", "numbers", "says")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    names = (*NAMES, "not_callable", "json")
    entries = "\n".join(f"{name} = some_exporters:{name}" for name in names)
    install(folder, "some-exporters", "exporters", entries, some_exporters=SOURCE)
    finished(folder / "RUN")
    return folder


@pytest.fixture
def run(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chosen]:
    from tailrace.results.export.chosen import chosen

    monkeypatch.syspath_prepend(site)
    yield chosen(site / "RUN")
    sys.modules.pop("some_exporters", None)


def test_what_it_returns_is_the_file(run: Chosen) -> None:
    assert "lines" in exporter_names()
    pieces = exported("lines", run, None)
    assert pieces is not None
    assert b"".join(pieces).decode().splitlines()[::2] == [
        "RUN to None",
        "a 100000000",
        "c 50000000",
    ]
    assert list(exported("whole", run, None) or ()) == [b"tailrace.export/1"]


def test_one_that_returns_nothing_has_done_it(run: Chosen, tmp_path: Path) -> None:
    assert exported("itself", run, str(tmp_path / "x")) is None
    assert (tmp_path / "x").read_text() == "RUN"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", "OSError: the disk is gone"),
        ("breaks_off", "ValueError: no more"),
        ("number", "it returned int, not the text of a file"),
        ("numbers", "it gave int, and not text or bytes"),
        ("not_callable", "TypeError: 'int' object is not callable"),
    ],
)
def test_what_goes_wrong_names_it_and_its_package(run: Chosen, name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(exported(name, run, None) or ())
    assert str(caught.value).startswith(f"--format {name}, from some-exporters, failed: ")
    assert str(caught.value).endswith(said)


def test_an_error_of_ours_is_its_own_sentence(run: Chosen) -> None:
    with pytest.raises(ResultError, match=r"^its own sentence$"):
        exported("says", run, None)


def test_from_the_command_line(site: Path) -> None:
    def export(*options: str) -> tuple[int, str, str]:
        env = {"PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}
        done = tailrace("export", "RUN", *options, cwd=site, env=env)
        return done.returncode, done.stdout, done.stderr

    assert export("-f", "whole") == (0, "tailrace.export/1", "")
    assert export("-f", "lines", "--to", "there", "-o", "x") == (0, "", "written to x\n")
    assert (site / "x").read_text().startswith("RUN to there\ncold ")
    assert export("-f", "itself", "--to", "y") == (0, "", "")
    assert (site / "y").read_text() == "RUN"
    assert export("-f", "json")[1].startswith("{")  # ours go first
    code, _, said = export("-f", "breaks_off", "-o", "z")
    assert (code, "from some-exporters, failed: ValueError: no more" in said) == (2, True)
    assert not (site / "z").exists()
    code, _, said = export("-f", "nobody")
    assert (code, said.count("\n")) == (2, 1)
    assert "'nobody' is unknown; there are json, csv, " in said
    assert "mlflow, breaks_off, fails, " in said
