"""``tailrace run --foundry`` and ``tailrace foundry`` against a service of before 0.9.

That service is emulated from public issues; the real runtime is in tests/servers.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .command import MEASURED, start_tailrace, tailrace
from .foundry_service import (
    CPU,
    GPU,
    NOT_RUNNING,
    SMALL,
    FoundryService,
    fake_foundry,
    foundry_service,
    running,
)
from .queue_of_models import served, write_models
from .test_cli_bad_input import UNREACHABLE, USAGE, assert_sentence
from .test_cli_run import load, only_run, rows_of

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="the fake program is a shell script"
)
QUICK = ("-n", "4", "--warmup", "0s", "--max-tokens", "8", "-q")


@pytest.fixture
def service() -> Iterator[FoundryService]:
    with foundry_service() as one:
        yield one


def run(folder: Path, service: FoundryService, *more: str, **options: Any) -> Any:
    environment = {"FOUNDRY_LOCAL_ENDPOINT": service.root} | options.pop("env", {})
    return tailrace("run", "--foundry", *QUICK, *more, cwd=folder, env=environment, **options)


def results(folder: Path) -> list[dict[str, Any]]:
    facts = load(only_run(folder) / "run.json")
    return [load(only_run(folder) / m["folder"] / "result.json") for m in facts["models"]]


@posix_only
def test_it_is_found_by_its_status_and_models_take_turns(
    service: FoundryService, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    path = fake_foundry(tmp_path / "bin", {"service status": running(service.root)})
    done = tailrace(
        *("run", "--foundry", "-m", "phi-mini", "-m", SMALL, "-c", "1,4", *QUICK),
        cwd=tmp_path,
        env={"PATH": path, "OPENAI_BASE_URL": "http://192.0.2.1/v1"},  # is for other clients
    )
    assert done.returncode in MEASURED, done.stderr
    first, second = results(tmp_path)
    assert list(first["steps_s"]) == ["resolve", "load", "warm", "unload"]
    assert first["steps_s"]["load"] >= service.cold_load_s
    assert first["tags"]["foundry"]["found_by"] == "`foundry service status`"
    assert (first["tags"]["size_mb"], second["tags"]["size_mb"]) == (2000, 4000)
    assert [stage["counts"]["measured"]["ok"] for stage in first["stages"]] == [4, 4]
    # no usage: what counts are the chunks
    assert first["stages"][0]["tokens"]["output"] == 16
    assert [call.partition("?")[0] for call in service.calls] == [
        *(f"/openai/load/{CPU}", f"/openai/unload/{CPU}"),
        *(f"/openai/load/{SMALL}", f"/openai/unload/{SMALL}"),
    ]
    assert service.cold_loads == [CPU, SMALL]
    assert "load_s.phi-mini" in (only_run(tmp_path) / "report.md").read_text(encoding="utf-8")
    assert "disk MB" in done.stdout  # of the catalog, in the table to choose by
    assert "4000" in done.stdout


def test_one_run_mixes_servers_by_a_key_of_the_models_file(
    service: FoundryService, tmp_path: Path
) -> None:
    models = {
        "own": served(),
        "there": {"server": "foundry", "model": "phi-mini", "size_mb": 7, "keep_loaded": True},
    }
    write_models(tmp_path, models)
    env = {"FOUNDRY_LOCAL_ENDPOINT": service.root}
    done = tailrace("run", "--models-file", "models.json", *QUICK, cwd=tmp_path, env=env)
    assert done.returncode in MEASURED, done.stderr
    _, there = results(tmp_path)
    assert there["tags"]["size_mb"] == 7  # the file's word beats the catalog's
    assert there["tags"]["license"] == "MIT"
    assert list(service.ttls) == [CPU]  # kept
    done = tailrace("run", "--resume", str(only_run(tmp_path)), cwd=tmp_path, env=env)
    assert_sentence(done, USAGE, "is complete")


def test_a_model_that_cannot_be_had_is_a_row(service: FoundryService, tmp_path: Path) -> None:
    done = run(tmp_path, service, "-m", "giant", "-m", "phi-mini", "-m", "nope", "--foundry-keep")
    assert_sentence(done, UNREACHABLE, "'nope'", "'phi-mini'", "`foundry model list`")
    states = [(each["status"], each["step"], each["error_class"]) for each in results(tmp_path)]
    assert states == [
        ("failed", "resolve", "model_not_cached"),
        ("ok", None, None),
        ("failed", "resolve", "model_not_found"),
    ]
    assert results(tmp_path)[0]["tags"]["size_mb"] == 1000
    assert list(service.ttls) == [CPU]


def test_all_is_what_is_on_this_machine(service: FoundryService, tmp_path: Path) -> None:
    done = run(tmp_path, service, "-m", "ALL")
    assert done.returncode in MEASURED, done.stderr
    assert [each["model"] for each in results(tmp_path)] == [CPU, SMALL]


def test_a_judge_lives_there_too(service: FoundryService, tmp_path: Path) -> None:
    done = run(tmp_path, service, "-m", "phi-mini", "--prompt", "why?", "--judge", "qwen-small")
    assert done.returncode in MEASURED, done.stderr
    assert "Traceback" not in done.stderr
    assert service.chats[-1] == SMALL
    assert service.cold_loads == [CPU, SMALL]
    assert not service.ttls
    assert (only_run(tmp_path) / "rubric" / "judge.jsonl").exists()


@posix_only
def test_a_signal_while_it_loads_ends_the_run_and_lets_it_go(tmp_path: Path) -> None:
    with foundry_service(cold_load_s=60.0) as service:
        process = start_tailrace(
            *("run", "--foundry", "-m", "phi-mini", "-m", SMALL, "-n", "1"),
            cwd=tmp_path,
            env={"FOUNDRY_LOCAL_ENDPOINT": service.root},
        )
        deadline = time.monotonic() + 30
        while not service.calls:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert service.calls[-1] == f"/openai/unload/{CPU}?force=true"
    assert [each["status"] for each in results(tmp_path)] == ["interrupted", "skipped"]


def test_a_stale_endpoint_is_refused_with_the_line_to_type(tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--foundry", "-m", "m", *QUICK),
        cwd=tmp_path,
        env={"FOUNDRY_LOCAL_ENDPOINT": "http://127.0.0.1:1", "PATH": str(tmp_path)},
    )
    assert_sentence(
        done,
        UNREACHABLE,
        "FOUNDRY_LOCAL_ENDPOINT http://127.0.0.1:1 does not answer",
        "`foundry server start`",
    )
    (each,) = results(tmp_path)
    assert (each["step"], each["error_class"]) == ("resolve", "foundry_not_found")


@posix_only
def test_a_program_that_hangs_does_not_hold_up_the_command(tmp_path: Path) -> None:
    path = fake_foundry(
        tmp_path, {"service status": NOT_RUNNING, "--version": "0.8.119"}, ("server status",)
    )
    began = time.monotonic()
    done = tailrace("foundry", "status", cwd=tmp_path, env={"PATH": path})
    assert time.monotonic() - began < 40
    if done.returncode:  # else this machine has one at the usual port
        assert_sentence(done, UNREACHABLE, "did not end within 10 s", "`foundry service start`")


OUTCOMES: dict[str, tuple[dict[str, Any], list[str], set[tuple[str, str | None]]]] = {
    "0.8, [DONE] alone": ({}, [], {("ok", None)}),
    "a finish reason too": ({"finish": True}, [], {("ok", None)}),
    "neither": ({"done": False}, [], {("error", "no_done")}),
    "hangs for ever": ({"hangs": True}, ["--idle-timeout", "500ms"], {("timeout", "idle_timeout")}),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_way_of_the_old_stream_has_its_outcome(tmp_path: Path, name: str) -> None:
    how, more, outcomes = OUTCOMES[name]
    began = time.monotonic()
    with foundry_service(**how) as service:
        done = run(tmp_path, service, "-m", CPU, *more)
    assert time.monotonic() - began < 50
    assert "Traceback" not in done.stderr
    rows = rows_of(only_run(tmp_path), results(tmp_path)[0]["model"].replace(":", "-"))
    assert {(row.outcome, row.error_class) for row in rows} == outcomes
    assert not service.ttls  # let go, whatever came of it


def test_a_whole_answer_of_the_old_kind_is_read(tmp_path: Path) -> None:
    with foundry_service() as service:
        done = run(tmp_path, service, "-m", CPU, "--no-stream")
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(tmp_path), CPU.replace(":", "-"))
    assert {(row.outcome, row.streamed) for row in rows} == {("ok", False)}


def test_http_500_after_some_completions_is_counted_and_not_hidden(tmp_path: Path) -> None:
    with foundry_service(fails_after=14) as service:
        done = run(tmp_path, service, "-m", CPU, "-n", "20")
    assert done.returncode in MEASURED, done.stderr
    (each,) = results(tmp_path)
    books = each["stages"][0]["counts"]["books"]
    assert (books["ok"], books["error"]) == (13, 7)  # the cold request was the first of 14
    errors = [row for row in rows_of(only_run(tmp_path), CPU.replace(":", "-")) if row.error]
    assert {row.error_class for row in errors} == {"http_500"}


def test_nothing_goes_cold_in_the_middle_of_a_long_turn(tmp_path: Path) -> None:
    """Users who think longer than the service's time to live, in a queue of two models."""
    with foundry_service(default_ttl_s=0.3) as service:
        done = run(
            *(tmp_path, service, "-m", CPU, "-m", SMALL, "-n", "3", "--think-time", "900ms"),
        )
        assert done.returncode in MEASURED, done.stderr
        assert service.cold_loads == [CPU, SMALL]
    assert {each["tags"]["foundry"]["went_cold"] for each in results(tmp_path)} == {0}


def test_the_emulation_does_go_cold_without_foundry(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    with foundry_service(default_ttl_s=0.3) as service:
        done = tailrace(
            *("run", "--url", service.url, "-m", CPU, "-n", "3", "--think-time", "900ms"),
            *("--warmup", "0s", "-q"),
            cwd=tmp_path,
        )
        assert done.returncode in MEASURED, done.stderr
        assert len(service.cold_loads) > 1


def test_the_list_and_the_models_file_that_it_writes(
    service: FoundryService, tmp_path: Path
) -> None:
    env = {"FOUNDRY_LOCAL_ENDPOINT": service.root}
    command = ("foundry", "list", "--write", "models.json")
    done = tailrace(*command, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        *("alias", "id", "MB", "device", "runtime", "task", "licence", "state")
    ]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["phi-mini", CPU, "2000", "CPU"],
        ["qwen-small", SMALL, "4000", "CPU"],
    ]
    written = load(tmp_path / "models.json")
    assert written["phi-mini"]["server"] == "foundry"
    assert written["phi-mini"]["model"] == CPU
    again = tailrace(*command, cwd=tmp_path, env=env)
    assert_sentence(again, USAGE, "--write 'models.json' is there already")
    done = tailrace("run", "--models-file", "models.json", *QUICK, cwd=tmp_path, env=env)
    assert done.returncode in MEASURED, done.stderr
    assert [each["status"] for each in results(tmp_path)] == ["ok", "ok"]


def test_the_whole_catalog_and_the_status_as_json(service: FoundryService, tmp_path: Path) -> None:
    done = tailrace("foundry", "list", "--all", "--json", "--url", service.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {each["id"] for each in json.loads(done.stdout)} >= {CPU, GPU, SMALL}
    done = tailrace("foundry", "status", "--json", "--url", service.root, cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "endpoint": service.root,
        "found_by": "the URL",
        "api": "service",
        "pid": None,
        "loaded": [],
    }
    done = tailrace("foundry", "status", "--url", service.root, cwd=tmp_path)
    assert f"endpoint  {service.root}\n" in done.stdout


WRONG = {
    "another server": ('{"a": {"server": "ollama"}}', ["line 1", "'server'", '"foundry"']),
    "serve too": (
        '{"a": {"server": "foundry",\n"serve": "x {port}"}}',
        ["'server'", "'serve' exclude each other"],
    ),
    "keep nothing": ('{"a": {"keep_loaded": true, "url": "http://h/v1"}}', ["'keep_loaded'"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_key_of_the_models_file(tmp_path: Path, name: str) -> None:
    text, words = WRONG[name]
    (tmp_path / "models.json").write_text(text)
    done = tailrace("run", "--models-file", "models.json", cwd=tmp_path)
    assert_sentence(done, USAGE, "models.json", *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "--url", "nonsense"], ["'nonsense'", "not a URL"]),
        (["list", "--write", "models.txt"], ["'models.txt'", ".json"]),
        (["list", "--write", "no/where.json"], ["no/where.json", "No such file"]),
    ],
)
def test_a_wrong_option(
    service: FoundryService, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    env = {"FOUNDRY_LOCAL_ENDPOINT": service.root}
    done = tailrace("foundry", *arguments, cwd=tmp_path, env=env)
    assert_sentence(done, USAGE, *words)
