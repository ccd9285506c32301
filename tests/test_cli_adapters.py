"""``tailrace run --adapter`` as a user meets it: alone, beside servers, and when it fails."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import psutil
import pytest

from .command import MEASURED, ROOT, start_tailrace, tailrace
from .queue_of_models import served, write_models
from .test_cli_bad_input import UNREACHABLE, USAGE, assert_sentence
from .test_cli_models import facts_of
from .test_cli_run import load, only_run, posix_only, rows_of

SOURCE = """
import asyncio, os, time

class Generator:
    def load(self, weights_path, words=5):
        self.words = words
    def generate(self, prompt, **params):
        for number in range(self.words):
            yield f"{number} "

class Text(Generator):
    def generate(self, prompt):
        return "all of it"

class Coroutine(Generator):
    async def generate(self, prompt, max_tokens):
        await asyncio.sleep(0.001)
        return "all of it"

class AsyncIterator(Generator):
    async def generate(self, prompt, **params):
        for number in range(self.words):
            await asyncio.sleep(0)
            yield f"{number} "

class Paced(Generator):
    def generate(self, prompt, **params):
        time.sleep(0.05)
        for number in range(self.words):
            yield "x "
            time.sleep(0.01)

class Echo(Generator):
    def generate(self, prompt, messages, top_k=0):
        return f"{prompt}|{len(messages)}|{top_k}"

class CannotLoad(Generator):
    def load(self, weights_path):
        raise FileNotFoundError(f"no weights at {weights_path}")

class SometimesRaises(Generator):
    def generate(self, prompt, **params):
        self.calls = getattr(self, "calls", 0) + 1
        yield "one "
        if self.calls % 2 == 0:
            raise ValueError("boom")
        yield "two"

class Raises(Generator):
    def generate(self, prompt):
        raise ValueError("boom")

class Dies(Generator):
    def generate(self, prompt, **params):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == 4:
            os.write(2, b"out of memory")
            os._exit(9)
        yield "one"

class Judge(Generator):
    def generate(self, prompt):
        return '{"accuracy": 4, "completeness": 3, "clarity": 5}'
"""
QUICK = ("--warmup", "0s", "-q")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here.py").write_text(SOURCE)
    return tmp_path


def run(folder: Path, adapter: str, *more: str, **options: Any) -> Any:
    return tailrace("run", "--adapter", adapter, *QUICK, *more, cwd=folder, **options)


@pytest.mark.parametrize(
    ("kind", "tokens"), [("Generator", 5), ("AsyncIterator", 5), ("Text", 1), ("Coroutine", 1)]
)
def test_each_kind_of_generate(here: Path, kind: str, tokens: int) -> None:
    done = run(here, f"here:{kind}", "-n", "6", "-c", "1,3")
    assert done.returncode in MEASURED, done.stderr
    path = only_run(here)
    rows = rows_of(path, f"here-{kind}")
    assert [row.outcome for row in rows] == ["ok"] * 13
    assert {row.output_tokens for row in rows} == {tokens}
    result = load(path / f"here-{kind}" / "result.json")
    assert list(result["steps_s"]) == ["resolve", "load", "warm", "unload"]
    assert result["footprint"]["peak_rss_bytes"] > 10_000_000
    assert result["tags"] == {"adapter": f"here:{kind}"}


def test_whole_answers(here: Path) -> None:
    options = ("-n", "2", "--no-stream", "--keep-text", "--no-nonce", "-p", "hi there")
    body = ("--extra-body", '{"top_k": 7}', "--system", "be brief")
    done = run(here, "here:Echo", *options, *body)
    assert done.returncode in MEASURED, done.stderr
    assert {row.text for row in rows_of(only_run(here), "here-Echo")} == {"hi there|2|7"}


def test_options_reach_load_and_the_answer_is_cut_at_max_tokens(here: Path) -> None:
    options = ("--adapter-option", "words=40", "--weights", "w.bin", "--max-tokens", "9")
    done = run(here, "here:Generator", "-n", "3", *options)
    assert done.returncode in MEASURED, done.stderr
    path = only_run(here)
    assert {row.output_tokens for row in rows_of(path, "here-Generator")} == {9}
    (model,) = load(path / "run.json")["models"]
    told = {"adapter": "here:Generator", "weights": "w.bin", "options": {"words": 40}}
    assert model["tags"] == told


def test_beside_a_server_in_one_report(here: Path, sim_url: str) -> None:
    done = run(here, "here:Generator", "--url", sim_url, "-m", "sim", "-n", "4")
    assert done.returncode in MEASURED, done.stderr
    assert [each["status"] for each in facts_of(here).values()] == ["ok", "ok"]
    assert list(facts_of(here)) == ["sim", "here:Generator"]
    for name in ("report.md", "report.html", "summary.csv"):
        text = (only_run(here) / name).read_text(encoding="utf-8")
        assert "sim" in text
        assert "here:Generator" in text


def test_in_a_models_file_with_servers_and_several_workers(here: Path) -> None:
    models = {
        "server": served(),
        "five": {"adapter": "here:Generator"},
        "seven": {"adapter": "here:Generator", "options": {"words": 7}, "license": "MIT"},
        "broken": {"adapter": "here:CannotLoad", "weights": "w.bin"},
        "unknown": {"adapter": "nobody"},
    }
    name = write_models(here, models)
    options = ("--models-file", name, "-c", "4", "-n", "20", "-w", "2")
    done = tailrace("run", *options, *QUICK, cwd=here)
    assert_sentence(done, UNREACHABLE, "unknown: adapter 'nobody' is in no installed package")
    facts = facts_of(here)
    assert [each["status"] for each in facts.values()] == ["ok", "ok", "ok", "failed", "failed"]
    said = "adapter 'here:CannotLoad' failed in load: FileNotFoundError: no weights at w.bin"
    assert facts["broken"]["error"].startswith(said)
    assert facts["broken"]["error_class"] == "adapter_failed"
    assert facts["broken"]["step"] == "load"
    path = only_run(here)
    for alias, tokens in (("five", 5), ("seven", 7)):
        rows = rows_of(path, alias)
        assert len(rows) == 21
        assert {row.output_tokens for row in rows} == {tokens}
    assert " ".join(said.split()[:5]) in (path / "report.md").read_text(encoding="utf-8")
    assert "Traceback" in (path / "broken" / "server.log").read_text()
    for file in path.rglob("*"):
        if file.is_file():
            assert b"Bearer" not in file.read_bytes()


def test_a_request_whose_generate_raises_fails_alone(here: Path) -> None:
    done = run(here, "here:SometimesRaises", "-n", "6")
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(here), "here-SometimesRaises")
    assert [row.outcome for row in rows] == ["ok", "error", "ok", "error", "ok", "error", "ok"]
    assert {row.error_class for row in rows if row.outcome == "error"} == {"error_event"}
    said = "adapter 'here:SometimesRaises' failed in generate: ValueError: boom"
    assert all(said in (row.error or "") for row in rows if row.outcome == "error")


@pytest.mark.parametrize("more", [(), ("--no-stream",)])
def test_one_that_always_raises_says_so(here: Path, more: tuple[str, ...]) -> None:
    write_models(here, {"another name": {"adapter": "here:Raises"}})
    options = ("--models-file", "models.json", "-n", "2")
    done = tailrace("run", *options, *QUICK, *more, cwd=here)
    assert_sentence(done, UNREACHABLE, "'here:Raises' failed in generate: ValueError: boom")


def test_one_that_dies_fails_its_turn(here: Path) -> None:
    write_models(here, {"dies": {"adapter": "here:Dies"}, "next": {"adapter": "here:Text"}})
    options = ("--models-file", "models.json", "-d", "20s", "-m", "dies")
    done = tailrace("run", *options, *QUICK, cwd=here)
    words = ("its adapter's process ended with code 9", "out of memory", "at 1 user")
    assert_sentence(done, UNREACHABLE, *words)
    assert facts_of(here)["dies"]["error_class"] == "server_ended"


@posix_only
def test_no_process_outlives_the_run(here: Path) -> None:
    process = start_tailrace(
        *("run", "--adapter", "here:Paced", "-d", "60s", "--warmup", "0s"), cwd=here
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "run: 1 of 1 level" in line:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2  # the guard and the host
    process.kill()
    process.communicate(timeout=30)
    assert not psutil.wait_procs(family, timeout=20)[1]


def test_a_run_with_an_adapter_is_resumed(here: Path) -> None:
    done = run(here, "here:Generator", "-n", "4", "-c", "1,2")
    assert done.returncode in MEASURED, done.stderr
    path = only_run(here)
    facts = load(path / "run.json")
    facts["ended"], facts["models"][0]["status"] = None, "running"
    facts["models"][0]["stages"].pop()
    (path / "run.json").write_text(json.dumps(facts))
    done = tailrace("run", "--resume", str(path), "-q", cwd=here)
    assert done.returncode in MEASURED, done.stderr
    (model,) = load(path / "run.json")["models"]
    assert [stage["books"]["ok"] for stage in model["stages"]] == [4, 4]


def test_an_adapter_may_be_the_judge(here: Path) -> None:
    write_models(here, {"a": {"adapter": "here:Text"}, "judge": {"adapter": "here:Judge"}})
    options = ("--models-file", "models.json", "-m", "a", "-n", "2", "-p", "What is it?")
    done = tailrace("run", *options, *QUICK, "--judge", "judge", cwd=here)
    assert done.returncode in MEASURED, done.stderr
    lines = (only_run(here) / "rubric" / "judge.jsonl").read_text().splitlines()
    assert lines
    assert all(json.loads(line)["scores"] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--adapter", "nobody"], ["--adapter", "'nobody' is in no installed package"]),
        (["--adapter", "a b:C"], ["--adapter 'a b:C' is not an adapter", "module:Class"]),
        (["--adapter", "a:B", "-m", "m"], ["--model", "no --url", "--adapter"]),
        (["--adapter", "a:B", "--adapter-option", "x"], ["--adapter-option 'x'", "key=value"]),
        (["--adapter", "a:B", "--url", "http://127.0.0.1:9", "-m", "ALL"], ["auto and ALL"]),
        (["--adapter", "a:B", "--url", "http://127.0.0.1:9", "-m", "a:B"], ["called 'a:B'"]),
        (["--weights", "w", "--url", "http://127.0.0.1:9", "-m", "m"], ["--weights", "--adapter"]),
        (["--adapter-option", "a=1", "--url", "http://127.0.0.1:9", "-m", "m"], ["--adapter"]),
    ],
)
def test_a_wrong_flag(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    done = tailrace("run", *arguments, cwd=tmp_path)
    assert_sentence(done, USAGE, *words)
    assert not (tmp_path / "runs").exists()


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    options = ("api_key=sk-1", 'deep={"password": "sk-2"}', "threads=4")
    given = [part for option in options for part in ("--adapter-option", option)]
    done = tailrace("run", "--adapter", "a:B", *given, "--show-config", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "api_key=(hidden), deep=(hidden), threads=4" in done.stdout
    assert "sk-" not in done.stdout


def test_a_scenario_file_may_name_one(here: Path) -> None:
    text = 'adapter = "here:Generator"\nadapter-option = ["words=3"]\nrequests = 2\n'
    (here / "scenario.toml").write_text(text)
    done = tailrace("run", "scenario.toml", *QUICK, cwd=here)
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(here), "here-Generator")
    assert {row.output_tokens for row in rows} == {3}
    (here / "wrong.toml").write_text('requests = 2\nadapter = "a b:C"\n')
    done = tailrace("run", "wrong.toml", cwd=here)
    assert_sentence(done, USAGE, "wrong.toml line 2", "'a b:C' is not an adapter")


@pytest.mark.realtime
def test_its_times_are_those_of_its_sleeps(here: Path) -> None:
    done = run(here, "here:Paced", "-n", "20", "--adapter-option", "words=20")
    assert done.returncode in MEASURED, done.stderr
    rows = [row for row in rows_of(only_run(here), "here-Paced") if row.phase == "measure"]
    first_ns = statistics.median((row.first_output_ns or 0) - (row.sent_ns or 0) for row in rows)
    gap_ns = statistics.median(gap for row in rows for gap in row.gaps_ns)
    assert 50e6 <= first_ns < 70e6
    assert 9.5e6 <= gap_ns < 16e6


PAGE = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")


def test_the_adapter_and_the_models_of_the_docs_can_be_run_as_they_stand(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n# echo.py\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "echo.py").write_text(source)
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    models = json.loads(block)
    models["small server"] = served()
    name = write_models(tmp_path, models)
    options = ("--models-file", name, "-n", "2", "--max-tokens", "3")
    done = tailrace("run", *options, *QUICK, cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    assert [each["status"] for each in facts_of(tmp_path).values()] == ["ok"] * 3
