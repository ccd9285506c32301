"""``tailrace run --rubric`` and ``--judge``: measured, stubbed, judged and reported in one go."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .command import MEASURED, ROOT, start_tailrace, tailrace
from .judge_server import grades, judge_server
from .queue_of_models import python, served, write_models
from .test_cli_bad_input import UNREACHABLE, USAGE, assert_sentence
from .test_cli_file import config
from .test_cli_resume import killed
from .test_cli_run import load, only_run, posix_only

QUICK = ("-n", "4", "--warmup", "0s", "--max-tokens", "6", "-p", "Why?", "-p", "How?")
DIES = "import sys; sys.exit('no magic in a.gguf')"
NOT_JSON = "unscored accuracy, completeness, clarity (not_json: "


def run(folder: Path, *more: str, **options: Any) -> Any:
    return tailrace("run", *QUICK, *more, cwd=folder, **options)


def sheet_of(path: Path) -> list[dict[str, str]]:
    with (path / "rubric/annotations.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def judged(path: Path) -> list[dict[str, Any]]:
    lines = (path / "rubric/judge.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_one_command_measures_stubs_judges_and_reports(tmp_path: Path) -> None:
    models = {"first": served(), "broken": python(DIES), "last": served("--ttft", "5ms")}
    name = write_models(tmp_path, models)
    with judge_server(grades) as bench:
        judge = ("--judge", "j", "--judge-url", bench.url)
        key = {"TAILRACE_JUDGE_API_KEY": "k-1", "OPENAI_API_KEY": "k-of-the-run"}
        done = run(tmp_path, "--models-file", name, *judge, "--rubric-samples", "2", env=key)
        assert set(bench.keys) == {"Bearer k-1"}
        assert len(bench.asked) == 8
    assert done.returncode == UNREACHABLE, done.stderr  # the broken model
    path = only_run(tmp_path)
    rows = Counter((row["model"], row["prompt"]) for row in sheet_of(path))
    assert rows == {(model, prompt): 2 for model in ("first", "last") for prompt in "12"}
    scores = {"accuracy": 4, "completeness": 4, "clarity": 4}
    assert [line["scores"] for line in judged(path)] == [scores] * 8
    assert load(path / "last/result.json")["quality"]["judge_mean"] == 4
    text = (path / "report.md").read_text(encoding="utf-8")
    selection, quality = text.index("\n## Selection\n"), text.index("\n## Quality\n")
    assert selection < text.index("\n## Results\n") < quality
    assert "| broken | failed: server_ended |" in text
    assert "- broken failed: its server ended with code 1" in text[selection:]
    html = (path / "report.html").read_text(encoding="utf-8")
    assert html.index("<h2>Selection</h2>") < html.index("<h2>Results</h2>")
    assert "<h2>Quality</h2>" in html
    assert "Models at load level 1" in done.stdout
    assert "broken   failed: server_ended" in done.stdout
    lines = done.stdout.splitlines()
    for file in ("report.html", "report.md", "rubric/annotations.csv"):
        assert f"results  {path.relative_to(tmp_path) / file}" in lines
    assert "k-1" not in (path / "run.json").read_text(encoding="utf-8")


def test_an_alias_judges_on_its_own_server_even_when_it_is_not_picked(tmp_path: Path) -> None:
    name = write_models(tmp_path, {"a": served(), "j": served("--ttft", "5ms")})
    done = run(tmp_path, "--models-file", name, "-m", "a", "--judge", "j")
    assert done.returncode in MEASURED, done.stderr
    assert NOT_JSON in done.stderr  # the scripted endpoint says no JSON, and that is no failure
    path = only_run(tmp_path)
    assert {line["model"] for line in judged(path)} == {"a"}
    assert "listening on" in (path / "rubric/server.log").read_text(encoding="utf-8")
    facets = load(path / "a/result.json")["quality"]["facets"]
    assert facets[0]["judges"]["sim"]["unscored"] == {"not_json": 4}


def test_the_runs_own_url_serves_the_judge_too(sim_url: str, tmp_path: Path) -> None:
    done = run(tmp_path, "--url", sim_url, "-m", "sim", "--judge", "a/b:1", "-q")
    assert done.returncode in MEASURED, done.stderr
    assert done.stderr == ""
    assert [line["judge"] for line in judged(only_run(tmp_path))] == ["a/b:1"] * 4


def test_a_rubric_alone_writes_the_sheet(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[facets]\ntone = "Is it kind?"\n', encoding="utf-8")
    done = run(tmp_path, "--url", sim_url, "-m", "sim", "--rubric", "mine.toml")
    assert done.returncode in MEASURED, done.stderr
    path = only_run(tmp_path)
    assert [row["tone"] for row in sheet_of(path)] == [""] * 4
    assert not (path / "rubric/judge.jsonl").exists()
    assert "4 rows to score on tone" in done.stderr


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ({"serve": ["no-such-program", "{port}"]}, "no program 'no-such-program' here"),
        (python(DIES), "(rubric/server.log says: no magic in a.gguf) before the model was loaded"),
        ({"url": "http://127.0.0.1:9/v1"}, "http://127.0.0.1:9/v1 cannot be reached"),
    ],
)
def test_a_judge_that_fails_loses_nothing(
    sim_url: str, tmp_path: Path, judge: dict[str, Any], said: str
) -> None:
    name = write_models(tmp_path, {"sim": {"url": sim_url}, "j": judge})
    done = run(tmp_path, "--models-file", name, "-m", "sim", "--judge", "j", "-q")
    path = only_run(tmp_path)
    document = load(path / "run.json")
    whole = document["verdict"]["valid"]  # 11: a busy machine
    assert done.returncode == (UNREACHABLE if whole else 11), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("tailrace: judging failed, everything measured is kept: ")
    assert said in line
    again = f"`tailrace rubric judge {path.relative_to(tmp_path)} --judge-model j --judge-url "
    assert f"{again}{judge.get('url', 'URL')}` asks again" in line
    assert load(path / "sim/result.json")["stages"][0]["counts"]["measured"]["ok"] == 4
    assert len(sheet_of(path)) == 4
    assert "## Quality" in (path / "report.md").read_text(encoding="utf-8")


def test_a_judge_that_only_refuses_is_a_failure(sim_url: str, tmp_path: Path) -> None:
    with judge_server(lambda _: (418, "a teapot")) as bench:
        judge = ("--judge", "j", "--judge-url", bench.url)
        done = run(tmp_path, "--url", sim_url, "-m", "sim", *judge, "-q")
    assert done.returncode in (UNREACHABLE, 11)
    assert "no request succeeded: http_418: a teapot" in done.stderr


def test_nothing_to_rate_is_said_and_the_runs_code_stands(tmp_path: Path) -> None:
    name = write_models(tmp_path, {"broken": python(DIES)})
    done = run(tmp_path, "--models-file", name, "--rubric", "default")
    assert done.returncode == UNREACHABLE
    assert "the answers are not rated, everything measured is kept: " in done.stderr
    assert not (only_run(tmp_path) / "rubric").exists()


URL = ("--url", "http://127.0.0.1:9", "-m", "m")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--models-file", "models.json", "--judge", "x"),
            "--judge 'x' is no alias of models.json",
        ),
        (("--models-file", "models.json", "--judge", "x"), "give its --judge-url"),
        (
            ("--models-file", "models.json", "--judge", "a", "--judge-url", "http://h"),
            "--judge 'a' has a server of its own in the models file; leave --judge-url out",
        ),
        ((*URL, "--judge", " "), "--judge must not be empty"),
        ((*URL, "--judge", "j", "--judge-url", "x"), "--judge-url 'x' is not a URL"),
        ((*URL, "--judge-url", "http://h"), "--judge-url is for a --judge; name its model"),
        ((*URL, "--judge-key-file", "k"), "--judge-key-file is for a --judge"),
        ((*URL, "--judge", "j", "--judge-key-file", "k"), "--judge-key-file 'k' cannot be read"),
        ((*URL, "--rubric", "none.toml"), "the rubric 'none.toml' cannot be read"),
        ((*URL, "--rubric", "bad.toml"), "'bad.toml' line 2, field 'facets.tone': must be a text"),
        ((*URL, "--judge", "j", "--rubric", "bad.toml"), "'bad.toml' line 2"),
        (
            (*URL, "--rubric", "default", "--dialect", "openai-embeddings"),
            "leave it out with --dialect",
        ),
        ((*URL, "--config", "bad.yaml"), "bad.yaml line 1: --judge-url 'x'"),
    ],
)
def test_bad_input_is_refused_before_the_run(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    write_models(tmp_path, {"a": served()})
    (tmp_path / "bad.toml").write_text("[facets]\ntone = 3\n", encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("judge-url: x\njudge: j\n", encoding="utf-8")
    done = tailrace("run", *arguments, cwd=tmp_path)
    assert_sentence(done, USAGE, said)
    assert not (tmp_path / "runs").exists()


def test_made_up_prompts_cannot_be_judged(tmp_path: Path) -> None:
    done = tailrace("run", *URL, "--input-tokens", "20", "--judge", "j", cwd=tmp_path)
    assert_sentence(done, USAGE, "--judge must be shown what was asked")


def test_a_scenario_file_sets_them_and_show_config_tells(tmp_path: Path) -> None:
    text = 'rubric = "default"\njudge = "j"\njudge-url = "http://h/v1"\nrubric-samples = 2\n'
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    found = config(tmp_path, "s.toml", env={"TAILRACE_JUDGE": "k"})
    assert found["--judge"] == ("k", "TAILRACE_JUDGE")
    assert found["--rubric"] == ("default", "s.toml line 1")
    assert found["--judge-url"] == ("http://h/v1", "s.toml line 3")
    assert found["--rubric-samples"] == ("2", "s.toml line 4")
    schema = json.loads(tailrace("schema", cwd=tmp_path).stdout)
    assert {"rubric", "judge", "judge-url", "judge-max-tokens"} <= set(schema["properties"])


@posix_only
def test_a_judge_that_is_interrupted_leaves_what_it_said(sim_url: str, tmp_path: Path) -> None:
    hold = threading.Event()

    def reply(asked: dict[str, Any]) -> str:
        if len(bench.asked) > 2:
            hold.wait(60)
        return grades(asked)

    with judge_server(reply) as bench:
        judge = ("--judge", "j", "--judge-url", bench.url)
        process = start_tailrace("run", *QUICK, "--url", sim_url, "-m", "sim", *judge, cwd=tmp_path)
        deadline = time.monotonic() + 60
        while len(bench.asked) < 3:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        hold.set()
    assert process.returncode in (130, 11), said
    assert "judging was interrupted, everything measured is kept" in said
    assert len(judged(only_run(tmp_path))) == 2
    assert load(only_run(tmp_path) / "sim/result.json")["quality"]["judge_mean"] == 4


@posix_only
def test_a_run_that_is_resumed_is_rated_at_its_end(sim_url: str, tmp_path: Path) -> None:
    name = write_models(tmp_path, {"sim": {}, "a/b:1": {}, "j": served()})
    options = ("--url", sim_url, "--models-file", name, "-m", "sim", "-m", "a/b:1", "--judge", "j")
    run = killed(
        *(tmp_path, "-n", "20", "--warmup", "0s", "-p", "Why?", *options),
        until="a-b-1/requests.jsonl",
        text=b'"phase":"measure"',
    )
    assert not (run / "rubric").exists()
    done = tailrace("run", "--resume", str(run), "-q", cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    assert Counter(row["model"] for row in sheet_of(run)) == {"sim": 3, "a/b:1": 3}
    assert len(judged(run)) == 6
    refused = tailrace("run", "--resume", str(run), "--judge", "other", cwd=tmp_path)
    assert refused.returncode == USAGE


def test_the_command_of_the_docs_works_as_it_stands(tmp_path: Path) -> None:
    page = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    models, prompts = (
        re.findall(rf"```{form}\n(.*?)```", page, re.DOTALL) for form in ("json", "jsonl")
    )
    (command,) = re.findall(r"^    tailrace (run .*--judge .*)$", page, re.MULTILINE)
    entries = json.loads(models[0])
    for entry in entries.values():
        entry["serve"][:1] = [sys.executable, "-m", "tailrace"]
    write_models(tmp_path, entries)
    (tmp_path / "prompts.jsonl").write_text(prompts[0], encoding="utf-8")
    short = {"--duration": "-n", "30s": "6"}
    words = [short.get(word, word) for word in shlex.split(command)]
    done = tailrace(*words, "--warmup", "0s", "--max-tokens", "4", cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    assert len(sheet_of(only_run(tmp_path))) == len(judged(only_run(tmp_path))) == 12
