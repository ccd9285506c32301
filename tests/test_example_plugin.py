"""The example package, installed by pip as its users would, does what its page says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tailrace.engine.clock import now_ns
from tailrace.engine.dialects.delta import Ask
from tailrace.engine.outgoing import Outgoing
from tailrace.engine.request import Attempt
from tailrace.engine.sse import EventReader
from tailrace.engine.worker import make_wire
from tailrace.results.schema import Row
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Scenario

from .command import MEASURED, ROOT, tailrace
from .file_server import file_server
from .results.export.runs import finished
from .test_cli_run import load, only_run, rows_of

PACKAGE = ROOT / "examples" / "tailrace-example-plugin"
STREAM = (PACKAGE / "fixtures" / "tgi-stream.http").read_bytes()
QUICK = ("--warmup", "0s", "-q")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a tailrace beside which the package is installed."""
    site = tmp_path_factory.mktemp("site")
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--no-cache-dir")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *offline),
            *("--target", str(site), str(PACKAGE)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": os.pathsep.join((str(ROOT), str(site)))}


def test_its_page_names_its_entry_points() -> None:
    page = (PACKAGE / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for group, points in project["entry-points"].items():
        assert group.startswith("tailrace.")
        for name, place in points.items():
            assert re.search(rf"\b{name}\b", page)
            assert f"`{place.partition(':')[0].rpartition('.')[2]}.py`" in page


def test_its_adapter(installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "weights.txt").write_text("tick tock tick tock tick")
    options = ("--weights", "weights.txt", "--max-tokens", "5", "-n", "4", "-c", "1,2")
    asked = ("-p", "tick", "--keep-text", "--no-nonce")
    run = ("run", "--adapter", "babble", *options, *asked, *QUICK)
    done = tailrace(*run, cwd=tmp_path, env=installed)
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(tmp_path), "babble")
    assert {(row.text, row.output_tokens) for row in rows} == {("tock tick tock tick tock ", 5)}


def test_its_dataset(installed: dict[str, str], tmp_path: Path, sim_url: str) -> None:
    asked = ("--prompts", "plugin:sums?n=6&digits=3", "-n", "6", "-c", "2", "-w", "2")
    run = ("run", "--url", sim_url, "-m", "sim", *asked, *QUICK)
    done = tailrace(*run, cwd=tmp_path, env=installed)
    assert done.returncode in MEASURED, done.stderr
    path = only_run(tmp_path)
    assert load(path / "run.json")["scenario"]["data"]["prompts"]["prompts"] == 6
    rows = [row for row in rows_of(path) if row.phase != "cold"]
    assert sorted(row.prompt for row in rows) == [f"sum-{number}" for number in range(6)]
    assert {row.output_tokens for row in rows} == {5}  # max_tokens of the records


def test_its_exporter(installed: dict[str, str], tmp_path: Path) -> None:
    finished(tmp_path / "RUN")
    done = tailrace("export", "RUN", "-f", "slowest", cwd=tmp_path, env=installed)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "the slowest answers of RUN",
        "     130.0 ms      3 tokens  m at 1, request a",
        "      50.0 ms      1 tokens  m at 1, request c",
    ]
    to = tailrace("export", "RUN", "-f", "slowest", "--to", "x", cwd=tmp_path, env=installed)
    assert to.returncode == 2
    assert "--format slowest, from tailrace-example-plugin, failed: ValueError" in to.stderr


@pytest.fixture
def tgi(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(PACKAGE)
    return import_module("tailrace_example_plugin.tgi").TextGeneration()


def test_its_dialect_reads_its_fixture(tgi: Any) -> None:
    _, _, body = STREAM.partition(b"\r\n\r\n")
    for size in (1, 7, len(body)):  # however the bytes are cut
        reader = EventReader()
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        deltas = [tgi.read(*event) for piece in pieces for event in reader.feed(piece)]
        assert [delta.text for delta in deltas] == [" The", " gate", " is", " open", ".", ""]
        assert [delta.done for delta in deltas] == [False] * 5 + [True]
        assert deltas[-1].finish_reason == "eos_token"
        assert (deltas[-1].usage.output_tokens, deltas[-1].usage.input_tokens) == (6, 11)


def test_its_dialect_asks(tgi: Any) -> None:
    messages = [("system", "be brief"), ("user", ({"type": "text", "text": "hi"},))]
    ask = Ask("m", messages, 8, 0.5, 3, True, {"top_p": 1})
    assert json.loads(tgi.body(ask)) == {
        "inputs": "be brief\n\nhi",
        "parameters": {
            **{"max_new_tokens": 8, "details": True, "temperature": 0.5},
            **{"do_sample": True, "seed": 3},
        },
        "stream": True,
        "top_p": 1,
    }


@pytest.mark.parametrize("is_list", [False, True])
def test_its_dialect_reads_a_whole_answer(tgi: Any, is_list: bool) -> None:
    details = {"finish_reason": "length", "generated_tokens": 2}
    answer = {"generated_text": " The gate", "details": details}
    delta = tgi.read_whole(json.dumps([answer] if is_list else answer).encode())
    assert (delta.text, delta.finish_reason, delta.done) == (" The gate", "length", True)
    assert delta.usage.output_tokens == 2


def test_its_dialect_knows_an_error_and_nonsense(tgi: Any) -> None:
    error = b'{"error": "overloaded", "error_type": "overloaded"}'
    assert tgi.read("", error).error == tgi.read_whole(error).error == "overloaded"
    for nonsense in (b"[DONE]", b"[]", b"{}", b'{"token": 4}', b"{"):
        for read in (lambda data: tgi.read("", data), tgi.read_whole):
            with pytest.raises(ValueError):  # noqa: PT011 - json's own among them
                read(nonsense)


def test_its_dialect_on_the_wire(tgi: Any) -> None:
    with file_server(STREAM) as asked:
        scenario = Scenario(base_url=asked.url, models=("m",), levels=())
        item = Item("one", (("user", "Is the gate open?"),))

        async def ask() -> Row:
            wire = make_wire(scenario)
            attempt = Attempt(Row("r", 0, 0, "measure", 0), tgi, now_ns(), True)
            try:
                request = Outgoing(scenario, "m", tgi).request(item, 0, "r")
                return await attempt.perform(wire, request)
            finally:
                await wire.aclose()

        row = asyncio.run(ask())
    assert (row.outcome, row.text, row.finish_reason) == ("ok", " The gate is open.", "eos_token")
    assert (row.output_tokens, row.token_source, row.input_tokens) == (6, "usage", 11)
    ((path, body),) = asked.requests
    assert path == "/"
    assert body["inputs"].endswith("Is the gate open?")


def test_its_dialect_by_name(installed: dict[str, str], tmp_path: Path) -> None:
    with file_server(STREAM) as asked:
        options = ("--dialect", "tgi", "--url", asked.url, "-m", "any", "-n", "4", "-c", "2")
        done = tailrace("run", *options, "--keep-text", *QUICK, cwd=tmp_path, env=installed)
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(tmp_path), "any")
    assert {(row.outcome, row.text, row.output_tokens) for row in rows} == {
        ("ok", " The gate is open.", 6)
    }
    assert {path for path, _ in asked.requests} == {"/"}
    assert all(body["parameters"]["max_new_tokens"] == 64 for _, body in asked.requests)
