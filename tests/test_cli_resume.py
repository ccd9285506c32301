"""``tailrace run --resume`` after a real ``kill -9``: nothing is lost, doubled, or done again."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.schema import Row, parse_row
from tailrace.simulate import Script, background

from .command import start_tailrace, tailrace
from .queue_of_models import served, write_models
from .test_cli_bad_input import USAGE, assert_sentence
from .test_cli_run import load, only_run, posix_only, rows_of

pytestmark = posix_only

MODELS = ("a", "b", "c")
REQUESTS = 24
OPTIONS = (
    *("-m", "a", "-m", "b", "-m", "c", "-c", "1,2", "-n", str(REQUESTS)),
    *("--warmup", "0s", "--max-tokens", "8"),
)
ASIDE = "requests-set-aside.jsonl"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with background(Script(20_000_000, 3_000_000, tokens=8, models=MODELS)) as url:
        yield url


def killed(folder: Path, *arguments: str, until: str, text: bytes, **options: Any) -> Path:
    """Run, and kill it with no chance to tidy up once a file of the run has a text."""
    process = start_tailrace("run", *arguments, cwd=folder, **options)
    deadline = time.monotonic() + 60
    while not any(text in path.read_bytes() for path in folder.glob(f"runs/*/{until}")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    return only_run(folder)


DONE = (0, 11)
"""What a run ends with when all was measured; 11 where the machine was too busy to be believed."""


def resume(run: Path, *more: str, **options: Any) -> Any:
    return tailrace("run", "--resume", str(run), "-q", *more, cwd=run.parents[1], **options)


def aside(run: Path, model: str) -> list[Row]:
    path = run / model / ASIDE
    return [parse_row(line, "") for line in path.read_bytes().splitlines()] if path.exists() else []


def files(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def assert_whole(run: Path, users: tuple[int, ...] = (1, 2), models: Any = MODELS) -> None:
    """Every model has every level once, with each request of it once and no other."""
    facts = load(run / "run.json")
    assert facts["ended"] == "complete"
    for reason in facts["verdict"]["reasons"]:  # a busy machine may be one, these may not
        assert not any(word in reason for word in ("books", "journal", "lost", "not end")), reason
    ids: Counter[str] = Counter()
    for model, name in zip(facts["models"], models, strict=True):
        assert (model["model"], model["status"]) == (name, "ok")
        assert [stage["users"] for stage in model["stages"]] == list(users)
        rows = rows_of(run, name)
        ids.update(row.id for row in (*rows, *aside(run, name)))
        for stage in model["stages"]:
            mine = [row for row in rows if row.stage == stage["index"]]
            assert len(mine) == stage["books"]["ok"] == REQUESTS
            assert min(row.sent_ns or 0 for row in mine) >= stage["began_ns"]
            assert max(row.ended_ns for row in mine) <= stage["ended_ns"]
        result = load(run / name / "result.json")
        assert [s["counts"]["measured"]["ok"] for s in result["stages"]] == [REQUESTS] * len(users)
        assert result["set_aside_rows"] == len(aside(run, name))
    assert set(ids.values()) == {1}


def test_a_killed_queue_goes_on_at_its_first_unfinished_level(url: str, tmp_path: Path) -> None:
    run = killed(tmp_path, "--url", url, *OPTIONS, "-q", until="b/requests.jsonl", text=b'"b-1-')
    before = rows_of(run, "b")
    started = [row for row in before if row.stage == 1]
    assert 0 < len(started) < REQUESTS
    finished = {name: (run / name / "requests.jsonl").read_bytes() for name in ("a", "b")}
    with (run / "b" / "requests.jsonl").open("ab") as file:
        file.write(before[-1].to_json()[:40])  # as a power cut would leave it
    done = resume(run)
    assert done.returncode in DONE, done.stderr
    assert_whole(run)
    assert (run / "a" / "requests.jsonl").read_bytes() == finished["a"]
    level = b"".join(
        line for line in finished["b"].splitlines(keepends=True) if b'"stage":1' not in line
    )
    assert (run / "b" / "requests.jsonl").read_bytes().startswith(level)
    assert [row.id for row in aside(run, "b")] == [row.id for row in started]
    again = [row for row in rows_of(run, "b") if row.stage == 1]
    assert {row.id.rpartition("-")[2] for row in started} <= {
        row.id.rpartition("-")[2] for row in again
    }  # it asks what it had asked
    facts = load(run / "run.json")
    (sitting,) = facts["resumptions"]
    assert (sitting["sitting"], sitting["after"]) == (1, "killed")
    model = facts["models"][1]
    assert (model["dropped_lines"], model["set_aside_rows"]) == (1, len(started))
    assert "set aside" in done.stdout
    derived = files(run)
    assert tailrace("report", str(run), cwd=tmp_path).returncode in DONE
    assert files(run) == derived


def test_a_run_can_be_killed_again_and_again(url: str, tmp_path: Path) -> None:
    run = killed(tmp_path, "--url", url, *OPTIONS, until="a/requests.jsonl", text=b'"a-1-')
    for mark, model in ((1, "b"), (2, "c")):
        again = ("--resume", str(run))
        killed(
            tmp_path, *again, until=f"{model}/requests.jsonl", text=f'"{model}-1-r{mark}-'.encode()
        )
    assert resume(run).returncode in DONE
    assert_whole(run)
    assert [each["after"] for each in load(run / "run.json")["resumptions"]] == ["killed"] * 3
    assert all(aside(run, name) for name in MODELS)
    stages = [each for model in load(run / "run.json")["models"] for each in model["stages"]]
    for before, after in itertools.pairwise(stages):  # one axis of time through all sittings
        assert before["ended_ns"] < after["began_ns"]


def test_one_that_was_killed_while_its_workers_wrote(url: str, tmp_path: Path) -> None:
    options = (*OPTIONS, "-c", "2,4", "-w", "2")  # the last -c counts
    run = killed(tmp_path, "--url", url, *options, until="b/requests.1.jsonl", text=b'"b-1-')
    done = resume(run)
    assert done.returncode in DONE, done.stderr
    assert_whole(run, users=(2, 4))
    assert aside(run, "b")
    assert [path.name for path in (run / "b").glob("requests.*")] == ["requests.jsonl"]
    derived = files(run)
    tailrace("report", str(run), cwd=tmp_path)
    assert files(run) == derived


def test_a_deterministic_run_asks_the_same_with_or_without_a_break(
    url: str, tmp_path: Path
) -> None:
    asked = [("--prompt", f"question {number}") for number in range(5)]
    options = ("--url", url, *OPTIONS, *itertools.chain(*asked), "--deterministic")
    (tmp_path / "whole").mkdir()
    tailrace("run", *options, cwd=tmp_path / "whole")
    run = killed(tmp_path, *options, until="b/requests.jsonl", text=b'"b-1-')
    assert resume(run).returncode in DONE

    def asks(run: Path) -> list[tuple[int, str, int | None, str | None]]:
        rows = [row for name in MODELS for row in rows_of(run, name) if row.stage >= 0]
        return sorted((row.stage, row.prompt, row.input_tokens, row.asked_hash) for row in rows)

    assert asks(run) == asks(only_run(tmp_path / "whole"))


def test_servers_are_started_again(tmp_path: Path) -> None:
    name = write_models(tmp_path, {"x": served(), "y": served()})
    options = ("--models-file", name, "-c", "1,2", "-n", str(REQUESTS), "--warmup", "0s")
    run = killed(tmp_path, *options, until="x/requests.jsonl", text=b'"x-1-')
    footprint = {"peak_rss_bytes": 2**60, "source": "an earlier sitting"}
    facts = load(run / "run.json")
    facts["models"][0]["footprint"] = footprint
    facts["models"][0]["steps_s"]["load"] = 7.5
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    done = resume(run)
    assert done.returncode in DONE, done.stderr
    assert_whole(run, models=("x", "y"))
    model = load(run / "run.json")["models"][0]
    assert model["footprint"] == footprint  # the larger
    assert model["steps_s"]["load"] == 7.5  # the first: in a later sitting caches are warm
    assert model["steps_s"]["unload"] > 0


def test_an_interrupted_run_goes_on_too(url: str, tmp_path: Path) -> None:
    process = start_tailrace("run", "--url", url, *OPTIONS, "-q", cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not any(b'"a-1-' in p.read_bytes() for p in tmp_path.glob("runs/*/a/requests.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 130
    run = only_run(tmp_path)
    assert resume(run).returncode in DONE
    assert_whole(run)


KEY = {"OPENAI_API_KEY": "sk-very-secret-4711"}


@pytest.fixture(scope="module")
def broken(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A killed run that each of the refusals below leaves as it is."""
    folder = tmp_path_factory.mktemp("broken")
    write_models(folder, {"a": {"size_mb": 1}, "b": {}, "c": {}})
    run = killed(
        folder,
        *("--url", url, *OPTIONS, "--models-file", "models.json"),
        *("--header", "x-team: blue"),
        until="a/requests.jsonl",
        text=b'"a-1-',
        env=KEY,
    )
    write_models(folder, {"a": {"size_mb": 2}, "b": {}, "c": {}}, "other.json")
    write_models(folder, {"a": {"size_mb": 1}, "b": {}}, "fewer.json")
    return run


HEADER = ("--header", "x-team: blue")
REFUSED: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "another number": (
        ("-n", "7", *HEADER),
        ["--requests 7 contradicts", "run with 24", "leave it out"],
    ),
    "another model": (("-m", "z", *HEADER), ["--model ['z'] contradicts", "['a', 'b', 'c']"]),
    "another URL": (("--url", "http://h", *HEADER), ["--url 'http://h' contradicts"]),
    "a header is missing": ((), ["sent the header 'x-team'", "--header"]),
    "a models file that says something else": (
        ("--models-file", "other.json", *HEADER),
        ["other.json: model 'a' is not as", "leave --models-file out"],
    ),
    "a models file that lacks one": (
        ("--models-file", "fewer.json", *HEADER),
        ["fewer.json: model 'c' is not as"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_scenario_is_refused(broken: Path, name: str) -> None:
    arguments, words = REFUSED[name]
    before = files(broken)
    assert_sentence(resume(broken, *arguments, env=KEY), USAGE, *words)
    assert files(broken) == before


def test_a_key_must_be_given_again_and_is_nowhere_kept(broken: Path) -> None:
    done = resume(broken, *HEADER)
    assert_sentence(done, USAGE, "sent the header 'Authorization'", "again with OPENAI_API_KEY")
    assert not any(KEY["OPENAI_API_KEY"].encode() in data for data in files(broken).values())
    assert not any(b"blue" in data for data in files(broken).values())


def test_the_whole_command_again_is_the_same_scenario(broken: Path, tmp_path: Path) -> None:
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(broken, copy)
    url = load(copy / "run.json")["scenario"]["base_url"]
    write_models(tmp_path, {"a": {"size_mb": 1}, "b": {}, "c": {}})
    whole = ("--url", url, *OPTIONS, "--models-file", "models.json", *HEADER)
    done = resume(copy, *whole, env=KEY)
    assert done.returncode in DONE, done.stderr
    assert_whole(copy)


def test_a_run_that_is_still_written_is_refused(url: str, tmp_path: Path) -> None:
    process = start_tailrace("run", "--url", url, "-m", "a", "-d", "60s", cwd=tmp_path)
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("runs/*/a/requests.jsonl")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        done = resume(only_run(tmp_path))
        assert_sentence(done, USAGE, "is still being written by another process")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_prompts_that_have_changed_are_refused(url: str, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.csv"
    prompts.write_text("prompt\none\ntwo\n")
    run = killed(
        *(tmp_path, "--url", url, *OPTIONS, "--prompts", "prompts.csv"),
        until="a/requests.jsonl",
        text=b'"a-1-',
    )
    prompts.write_text("prompt\none\nthree\n")
    before = files(run)
    assert_sentence(resume(run), USAGE, "'prompts.csv' has changed since the run began")
    assert files(run) == before
    prompts.write_text("prompt\none\ntwo\n")
    assert resume(run).returncode in DONE
    assert_whole(run)


def test_a_complete_run_is_refused(sim_url: str, tmp_path: Path) -> None:
    options = ("--url", sim_url, "-m", "sim", "-n", "2", "--warmup", "0s", "-q")
    assert tailrace("run", *options, cwd=tmp_path).returncode == 0
    run = only_run(tmp_path)
    before = files(run)
    assert_sentence(resume(run), USAGE, "is complete: nothing is left to resume")
    assert files(run) == before


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs" / "r").mkdir(parents=True)
    assert_sentence(resume(tmp_path / "runs" / "r"), USAGE, "is not a tailrace run")
