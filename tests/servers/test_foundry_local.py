"""The real Foundry Local runtime 2.2.1: found, asked by alias and id, loaded, killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from foundry_runtime import ABSENT, LARGE, SMALL, TWINS, Runtime, foundry_runtime, write_models

from tests.command import MEASURED, start_tailrace, tailrace
from tests.test_cli_bad_input import UNREACHABLE, assert_sentence
from tests.test_cli_run import load, only_run, rows_of

pytestmark = pytest.mark.server

TOKENS, REQUESTS = 12, 8


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foundry")
    write_models(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(home: Path) -> Iterator[Runtime]:
    with foundry_runtime(home) as one:
        yield one


def run(folder: Path, runtime: Runtime, *more: str) -> Any:
    return tailrace(
        *("run", "--foundry", "-n", str(REQUESTS), "--warmup", "0s", "-q", *more),
        cwd=folder,
        env={"FOUNDRY_LOCAL_ENDPOINT": runtime.root},
        timeout_s=120,
    )


def loaded(runtime: Runtime) -> list[str]:
    found: list[str] = httpx.get(runtime.root + "/models/loaded", trust_env=False).json()
    return found


def results(folder: Path) -> list[dict[str, Any]]:
    facts = load(only_run(folder) / "run.json")
    return [load(only_run(folder) / m["folder"] / "result.json") for m in facts["models"]]


def test_it_is_found_by_the_environment_and_lists_its_models(
    runtime: Runtime, tmp_path: Path
) -> None:
    env = {"FOUNDRY_LOCAL_ENDPOINT": runtime.root}
    done = tailrace("foundry", "status", "--json", cwd=tmp_path, env=env)
    status = json.loads(done.stdout)
    assert (status["endpoint"], status["api"]) == (runtime.root, "server")
    assert status["pid"] == runtime.process.pid
    done = tailrace("foundry", "list", "--json", cwd=tmp_path, env=env)
    assert [(each["alias"], each["id"]) for each in json.loads(done.stdout)] == [
        *(("tiny", SMALL), ("steady", LARGE)),
        *(("twin", twin) for twin in TWINS),
    ]
    done = tailrace("foundry", "list", "--all", cwd=tmp_path, env=env)
    assert ABSENT in done.stdout


def test_alias_and_id_are_loaded_measured_and_let_go(runtime: Runtime, tmp_path: Path) -> None:
    done = run(tmp_path, runtime, "-m", "steady", "-m", SMALL, "-c", "1,4", "--max-tokens", "12")
    assert done.returncode in MEASURED, done.stderr
    steady, tiny = results(tmp_path)
    assert (steady["tags"]["model"], tiny["tags"]["model"]) == (LARGE, SMALL)
    assert steady["tags"]["size_mb"] == 76
    assert list(steady["steps_s"]) == ["resolve", "load", "warm", "unload"]
    # 76 MB are read and prepared; the small one is there at once
    assert steady["steps_s"]["load"] > tiny["steps_s"]["load"] > 0
    for each in (steady, tiny):
        assert [s["counts"]["measured"]["ok"] for s in each["stages"]] == [REQUESTS] * 2
        assert {s["tokens"]["output"] for s in each["stages"]} == {REQUESTS * TOKENS}
        assert [s["tokens"]["source"] for s in each["stages"]] == [{"usage": REQUESTS}] * 2
    assert loaded(runtime) == []


def test_the_server_s_time_slices_are_seen(runtime: Runtime, tmp_path: Path) -> None:
    """Four users share what one has: the gap is several times as long, the rate about the same."""
    done = run(tmp_path, runtime, "-m", LARGE, "-c", "1,4", "--max-tokens", "32")
    assert done.returncode in MEASURED, done.stderr
    (steady,) = results(tmp_path)
    gaps = [stage["metrics"]["icl"]["percentiles"]["p50"] for stage in steady["stages"]]
    assert gaps[1]["value_ns"] > 1.5 * gaps[0]["value_ns"]


def test_what_was_loaded_before_is_not_unloaded(runtime: Runtime, tmp_path: Path) -> None:
    url = runtime.root + "/models/load/tiny"
    httpx.get(url, trust_env=False, timeout=60).raise_for_status()
    done = run(tmp_path, runtime, "-m", "tiny", "--max-tokens", "4")
    assert done.returncode in MEASURED, done.stderr
    (tiny,) = results(tmp_path)
    assert list(tiny["steps_s"]) == ["resolve", "warm"]
    assert tiny["tags"]["foundry"]["load"] == "was loaded already"
    assert loaded(runtime) == [SMALL]
    httpx.get(runtime.root + "/models/unload/tiny", trust_env=False).raise_for_status()


def test_of_two_variants_the_service_loads_the_one_that_it_prefers(
    runtime: Runtime, tmp_path: Path
) -> None:
    done = run(tmp_path, runtime, "-m", "twin", "--max-tokens", "4")
    assert done.returncode in MEASURED, done.stderr
    (twin,) = results(tmp_path)
    preferred = twin["tags"]["model"]
    (other,) = set(TWINS) - {preferred}
    assert twin["tags"]["device"] == "CPU"
    again = tmp_path / "again"
    again.mkdir()
    done = run(again, runtime, "-m", other, "--max-tokens", "4")
    assert_sentence(done, UNREACHABLE, f"asked for '{other}'", f"loaded are '{preferred}'")
    assert results(again)[0]["error_class"] == "other_variant"
    assert loaded(runtime) == []


def test_one_that_is_not_on_this_machine_says_how_to_get_it(
    runtime: Runtime, tmp_path: Path
) -> None:
    done = run(tmp_path, runtime, "-m", "giant")
    assert_sentence(done, UNREACHABLE, "not cached", "`foundry model download giant`")


def test_an_error_at_http_200_is_an_error_of_its_own_class(
    runtime: Runtime, tmp_path: Path
) -> None:
    done = run(tmp_path, runtime, "-m", "tiny", "--max-tokens", "100000")
    assert_sentence(done, UNREACHABLE, "maximum context length")
    (row,) = rows_of(only_run(tmp_path), "tiny")
    assert (row.status, row.outcome, row.error_class) == (200, "error", "error_event")
    assert loaded(runtime) == []


def test_a_killed_server_leaves_truncated_answers_and_ends_the_turn(
    home: Path, tmp_path: Path
) -> None:
    with foundry_runtime(home) as runtime:
        process = start_tailrace(
            *("run", "--foundry", "-m", "steady", "-c", "4", "-d", "60s", "--warmup", "0s"),
            *("--max-tokens", "400", "-q"),
            cwd=tmp_path,
            env={"FOUNDRY_LOCAL_ENDPOINT": runtime.root},
        )
        deadline = time.monotonic() + 60
        while not _is_running_a_level(tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        runtime.process.kill()
        began = time.monotonic()
        _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 40
    assert process.returncode == UNREACHABLE
    assert "has ended" in said
    assert "foundry server start" in said
    (steady,) = results(tmp_path)
    assert (steady["step"], steady["error_class"]) == ("run", "server_ended")
    rows = [row for row in rows_of(only_run(tmp_path), "steady") if row.stage == 0]
    assert sum(row.error_class == "truncated" for row in rows) == 4


def _is_running_a_level(folder: Path) -> bool:
    for path in folder.glob("runs/*/run.json"):
        (model,) = load(path)["models"]
        return bool(model["stages"])
    return False
