"""``tailrace charts`` on a machine that has a Chromium: files as asked for, and only those."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tailrace.results.facts import ModelFacts

from ..command import tailrace
from ..results.builders import facts, row, run_folder, stage

pytestmark = pytest.mark.server
MODEL = "maker/<b>model</b>:7b"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model whose name is no file name."""
    rows = [row(sent_ms=10 * n, id=f"r{n}") for n in range(80)]
    folder = run_folder(tmp_path_factory.mktemp("charts"), rows, "maker-b-model-7b")
    folder.write_facts(facts(ModelFacts(MODEL, "maker-b-model-7b", "ok", stages=[stage(rows)])))
    folder.rebuild()
    return folder.path


def written(run: Path, *options: str) -> dict[str, bytes]:
    """Files of a call that went well, by name."""
    out = run / "out" / str(len(list(run.glob("out/*"))))
    done = tailrace("charts", ".", *options, "--output", str(out), cwd=run)
    assert done.returncode == 0, done.stderr
    found = {path.name: path.read_bytes() for path in out.iterdir()}
    said = "1 chart" if len(found) == 1 else f"{len(found)} charts"
    assert done.stderr == f"{said} written to {out}\n"
    return found


def test_every_chart_is_a_png_of_the_asked_size(run: Path) -> None:
    found = written(run, "--width", "500", "--height", "300", "--scale", "1.5")
    assert len(found) == 11
    for name, data in found.items():
        assert name.startswith("maker-b-model-7b-")
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", data[16:24]) == (750, 450), name


def test_an_svg_parses_and_says_what_it_is_and_whose(run: Path) -> None:
    (data,) = written(run, "-f", "svg", "--chart", "ttft-load", "--width", "640").values()
    svg = ElementTree.fromstring(data)
    assert (svg.get("width"), svg.get("height")) == ("640", "420")
    assert f"TTFT by load, {MODEL}" in "".join(svg.itertext())


def test_a_pdf_has_one_page_of_the_asked_size(run: Path) -> None:
    name = "maker-b-model-7b-gaps-time"
    found = written(run, "-f", "pdf", "--chart", name, "--width", "960", "--height", "480")
    data = found[f"{name}.pdf"]
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") == 1
    assert b"/MediaBox [0 0 720 360]" in data


def test_a_folder_that_cannot_be_made_is_named(run: Path) -> None:
    done = tailrace("charts", ".", "--output", "run.json", cwd=run)
    assert done.returncode == 2
    assert "--output 'run.json' cannot be written: File exists; name another" in done.stderr
