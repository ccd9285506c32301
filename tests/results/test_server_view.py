"""The server's view in a run's files: rebuilt from raw, byte for byte, and not there without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tailrace.errors import ResultError
from tailrace.results.files import RunFolder
from tailrace.results.server_log import Head, Look, to_line
from tailrace.results.server_names import COUNTERS, GAUGES, HISTOGRAMS

from .builders import row, run_folder
from .server_looks import S, look

ROWS = [row(sent_ms=1000 * n, token_source="usage") for n in range(1, 9)]


def watched_folder(path: Path, *lines: bytes) -> RunFolder:
    folder = run_folder(path, ROWS)
    (model,) = folder.read_facts().models
    (folder.path / model.folder / "server.jsonl").write_bytes(b"".join(lines))
    return folder


def lines() -> list[bytes]:
    process = {"rss_bytes": 5e6, "cpu_s": 1.0, "threads": 2, "processes": 1}
    return [
        to_line(Head(0, "http://127.0.0.1:1/metrics", 1.0, pid=7, pid_by="--server-pid")),
        *(
            to_line(look(n, running=n % 3, generated=4 * n, process=process, took_ns=1000))
            for n in range(10)
        ),
    ]


def test_the_documents_are_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    folder = watched_folder(tmp_path, *lines())
    folder.rebuild()
    names = ("report.md", "report.html", "run.json")
    before = {name: (folder.path / name).read_bytes() for name in names}
    _, (result,), _ = folder.rebuild()
    assert {name: (folder.path / name).read_bytes() for name in names} == before
    assert result["server"]["software"] == "vLLM"
    assert b"The server was watched: metrics of vLLM" in before["report.md"]
    assert b"The server's own view" in before["report.html"]
    (document,) = result["stages"]
    assert {*GAUGES, *COUNTERS, *HISTOGRAMS} < set(document["server"])
    assert json.loads(json.dumps(result)) == result


def test_without_a_log_the_document_is_what_it_was(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS)
    _, (result,), _ = folder.rebuild()
    assert "server" not in result
    assert "server" not in result["stages"][0]
    assert b"was watched" not in (folder.path / "report.md").read_bytes()


def test_a_log_that_is_none_is_named(tmp_path: Path) -> None:
    folder = watched_folder(tmp_path, *lines()[:3], b'{"kind":"other"}\n')
    with pytest.raises(ResultError, match=r"server\.jsonl' line 4 is not a line of a server log"):
        folder.rebuild()


def test_notes_of_all_sittings_once_each(tmp_path: Path) -> None:
    heads = [Head(0, notes=["a"]), Head(1, notes=["a", "b"])]
    folder = watched_folder(tmp_path, *map(to_line, heads), to_line(Look(S)))
    _, (result,), _ = folder.rebuild()
    assert result["server"]["notes"] == ["a", "b"]
    assert result["server"]["software"] is None
