"""``tailrace run --models-file`` as a user meets it: the queue, its servers, its failures."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tailrace.scenarios.model_fields import CHECKS
from tailrace.simulate import Script, background

from .command import ROOT, start_tailrace, tailrace
from .queue_of_models import python, served, write_models
from .test_cli_bad_input import UNREACHABLE, USAGE, assert_sentence
from .test_cli_run import load, only_run, posix_only, rows_of

QUICK = ("-n", "4", "--warmup", "0s", "--max-tokens", "6", "-q")
DIES = "import sys; print('reading weights', flush=True); sys.exit('no magic in a.gguf')"


def run(folder: Path, models: Any, *more: str, **options: Any) -> Any:
    name = write_models(folder, models)
    return tailrace("run", "--models-file", name, *QUICK, *more, cwd=folder, **options)


def facts_of(folder: Path) -> dict[str, Any]:
    return {model["model"]: model for model in load(only_run(folder) / "run.json")["models"]}


def test_each_model_is_served_measured_and_let_go_and_a_broken_one_is_a_row(tmp_path: Path) -> None:
    tags = {"size_mb": 398, "license": "MIT", "capabilities": ["chat"], "my own": {"x": [1]}}
    models = {
        "first": served(**tags),
        "broken": python(DIES),
        "no program": {"serve": ["no-such-program", "{port}"]},
        "last": served("--ttft", "5ms"),
    }
    done = run(tmp_path, models, "-c", "1,2")
    assert_sentence(done, UNREACHABLE, "no program 'no-such-program'")
    facts = facts_of(tmp_path)
    assert [(name, each["status"]) for name, each in facts.items()] == [
        *(("first", "ok"), ("broken", "failed"), ("no program", "failed"), ("last", "ok"))
    ]
    assert [len(each["stages"]) for each in facts.values()] == [2, 0, 0, 2]
    path = only_run(tmp_path)
    first = load(path / "first" / "result.json")
    assert first["tags"] == facts["first"]["tags"] == models["first"]
    assert list(first["steps_s"]) == ["resolve", "load", "warm", "unload"]
    assert 0.05 < first["steps_s"]["load"] < 60
    assert first["footprint"]["peak_rss_bytes"] > 10_000_000
    assert "listening on" in (path / "first" / "server.log").read_text()
    broken = load(path / "broken" / "result.json")
    assert (broken["status"], broken["step"], broken["error_class"]) == (
        *("failed", "load", "server_ended"),
    )
    assert "no magic in a.gguf" in broken["error"]
    assert list(broken["steps_s"]) == ["resolve", "load", "unload"]
    assert "no magic in a.gguf" in " ".join(done.stdout.split())  # wrapped in the table
    assert "no magic in a.gguf" in (path / "report.md").read_text(encoding="utf-8")
    assert load(path / "no-program" / "result.json")["step"] == "resolve"
    for folder in ("first", "last"):
        assert sum(row.outcome == "ok" for row in rows_of(path, folder)) == 9


def test_a_list_of_ids_asks_the_one_url(sim_url: str, tmp_path: Path) -> None:
    done = run(tmp_path, ["sim", "a/b:1"], "--url", sim_url)
    assert done.returncode in (0, 11), done.stderr  # 11: a busy machine
    facts = facts_of(tmp_path)
    assert list(facts) == ["sim", "a/b:1"]
    assert {each["footprint"] for each in facts.values()} == {None}
    assert list(facts["sim"]["steps_s"]) == ["resolve", "warm"]


def test_models_at_urls_of_their_own_with_keys_of_their_own(tmp_path: Path) -> None:
    scripts = [
        Script(1_000_000, 1_000_000, tokens=4, models=("m",), api_key=key)
        for key in ("key-one", "key-two")
    ]
    with background(scripts[0]) as one, background(scripts[1]) as two:
        models = {
            "one": {"model": "m", "url": one},
            "two": {"model": "m", "url": two, "headers": {"Authorization": "Bearer ${KEY_TWO}"}},
        }
        env = {"OPENAI_API_KEY": "key-one", "KEY_TWO": "key-two"}
        done = run(tmp_path, models, env=env)
    assert done.returncode in (0, 11), done.stderr  # 11: a busy machine
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"key-one" not in path.read_bytes()
            assert b"key-two" not in path.read_bytes()


def test_some_are_picked_by_alias(sim_url: str, tmp_path: Path) -> None:
    done = run(tmp_path, ["sim", "a/b:1"], "--url", sim_url, "-m", "a/b:1")
    assert done.returncode in (0, 11), done.stderr  # 11: a busy machine
    assert list(facts_of(tmp_path)) == ["a/b:1"]


def test_a_server_that_dies_in_a_level_fails_the_model_and_not_the_queue(tmp_path: Path) -> None:
    dies_soon = (
        "import os, sys, threading; from tailrace.simulate import Script, run; "
        "threading.Timer(3.0, lambda: (os.write(2, b'out of memory'), os._exit(9))).start(); "
        "run(Script(5_000_000, 1_000_000), port=int(sys.argv[1]))"
    )
    models = {"dies": python(dies_soon, model="sim"), "next": served()}
    began = time.monotonic()
    name = write_models(tmp_path, models)
    options = ("--models-file", name, "-d", "20s", "--warmup", "0s", "-m", "dies")
    done = tailrace("run", *options, "-q", cwd=tmp_path)
    assert time.monotonic() - began < 18
    assert_sentence(done, UNREACHABLE, "dies", "ended with code 9", "out of memory", "at 1 user")
    (facts,) = load(only_run(tmp_path) / "run.json")["models"]
    assert (facts["status"], facts["step"], facts["error_class"]) == (
        *("failed", "run", "server_ended"),
    )
    assert facts["stages"][0]["books"]["ok"] > 0  # what it answered is kept


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_the_run_however_it_ends(tmp_path: Path, number: int) -> None:
    write_models(tmp_path, {"m": served()})
    process = start_tailrace(
        "run", "--models-file", "models.json", "-d", "60s", "--warmup", "0s", cwd=tmp_path
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("runs/*/m/requests.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2  # the guard and the server
    os.kill(process.pid, number)
    process.communicate(timeout=30)
    assert not psutil.wait_procs(family, timeout=20)[1]
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert facts_of(tmp_path)["m"]["status"] == "interrupted"


@posix_only
def test_a_signal_while_a_model_loads_ends_the_run(tmp_path: Path) -> None:
    never = "import time; print('loading', flush=True); time.sleep(120)"
    write_models(tmp_path, {"m": python(never), "n": served()})
    process = start_tailrace("run", "--models-file", "models.json", "-n", "1", cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not any("loading" in p.read_text() for p in tmp_path.glob("runs/*/m/server.log")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert not psutil.wait_procs(family, timeout=20)[1]
    assert [each["status"] for each in facts_of(tmp_path).values()] == ["interrupted", "skipped"]


def test_several_workers_take_the_queue(tmp_path: Path) -> None:
    done = run(tmp_path, {"a": served(), "b": served()}, "-c", "4", "-n", "20", "-w", "2")
    assert done.returncode in (0, 11), done.stderr  # 11: a busy machine
    for name in ("a", "b"):
        rows = rows_of(only_run(tmp_path), name)
        assert len({row.id for row in rows}) == len(rows) == 21


WRONG: dict[str, tuple[str, list[str]]] = {
    "not JSON": ("{", ["models.json line 1 is not JSON"]),
    "a wrong field": ('{"a": {\n"size_mb": "big"}}', ["models.json line 2", "'size_mb'", "'a'"]),
    "no URL": ('["a"]', ["--url is missing", "'a'", "models.json", "'url'", "'serve'"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_models_file(tmp_path: Path, name: str) -> None:
    text, words = WRONG[name]
    (tmp_path / "models.json").write_text(text)
    done = tailrace("run", "--models-file", "models.json", cwd=tmp_path)
    assert_sentence(done, USAGE, *words)
    assert not (tmp_path / "runs").exists()


def test_a_models_file_that_cannot_be_read(tmp_path: Path) -> None:
    done = tailrace("run", "--models-file", "no.json", cwd=tmp_path)
    assert_sentence(done, USAGE, "--models-file 'no.json' cannot be read: No such file")
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    done = tailrace("run", "--models-file", "latin.json", cwd=tmp_path)
    assert_sentence(done, USAGE, "'latin.json' is not UTF-8")


PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_file_of_the_docs_can_be_run_as_it_stands(tmp_path: Path) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    models = json.loads(block)
    for entry in models.values():
        assert entry["serve"][0] == "tailrace"
        entry["serve"][:1] = [sys.executable, "-m", "tailrace"]
    done = run(tmp_path, models)
    assert done.returncode in (0, 11), done.stderr
    assert [each["status"] for each in facts_of(tmp_path).values()] == ["ok", "ok"]


def test_the_docs_name_every_key_that_is_checked() -> None:
    for name in CHECKS.keys() - {"alias"}:
        assert f"`{name}`" in PAGE, name
