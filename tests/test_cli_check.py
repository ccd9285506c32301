"""``tailrace check`` as a user meets it: rows, words, exit codes, and what each fault asks for."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tailrace.simulate import Script, background

from .command import tailrace
from .test_cli_bad_input import UNREACHABLE, USAGE, assert_sentence
from .test_cli_dialect_auto import OLLAMA, served

MS = 1_000_000
QUICK = Script(ttft_ns=20 * MS, gap_ns=10 * MS, tokens=16, models=("sim", "a/b:1"))


def checked(
    tmp_path: Path, url: str, *arguments: str, **more: Any
) -> tuple[subprocess.CompletedProcess[str], dict[str, dict[str, str]]]:
    """The command's end, and its rows by name, but for those of this machine."""
    done = tailrace("check", "--url", url, "--json", *arguments, cwd=tmp_path, **more)
    rows = json.loads(done.stdout)["rows"]
    return done, {row["name"]: row for row in rows if row["group"] != "this machine"}


def test_all_green(tmp_path: Path) -> None:
    with background(QUICK) as url:
        done = tailrace("check", "--url", url, "-m", "a/b:1", "-c", "1,4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    machine, server, model, _ = done.stdout.split("\n\n")
    assert machine.startswith("this machine\n")
    assert "FAIL" not in machine
    for group in (server, model):
        assert "WARN" not in group
        assert "FAIL" not in group
    assert server.startswith(f"server {url}\n")
    assert "software: tailrace simulate" in server
    assert model.startswith("model a/b:1\n")
    assert "tokens: usage: " in model
    assert "concurrency: decodes 4 of 4 at a time" in model
    assert "sent 6 requests for tokens" in done.stdout
    assert list(tmp_path.iterdir()) == []  # nothing is written


def test_without_a_model_it_takes_the_first_and_eight_users(tmp_path: Path) -> None:
    with background(QUICK) as url:
        done, rows = checked(tmp_path, url)
    assert done.returncode == 0, done.stderr
    assert rows["listed"]["group"] == "model sim"
    assert rows["concurrency"]["found"] == "decodes 8 of 8 at a time"
    document = json.loads(done.stdout)
    assert (document["passed"], document["requests"]) == (True, 10)
    assert document["took_s"] < 15


def test_all_models_of_the_server(tmp_path: Path) -> None:
    with background(QUICK) as url:
        done = tailrace("check", "--url", url, "-m", "ALL", "-c", "1", cwd=tmp_path)
    assert "\nmodel sim\n" in done.stdout
    assert "\nmodel a/b:1\n" in done.stdout
    assert "concurrency" not in done.stdout  # one user needs no burst
    assert "sent 4 requests for tokens" in done.stdout


def test_a_serial_server_is_yellow(tmp_path: Path) -> None:
    script = Script(ttft_ns=20 * MS, gap_ns=10 * MS, slots=1)
    with background(script) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", "-c", "6")
    assert done.returncode == 0, done.stderr
    assert rows["concurrency"]["status"] == "warn"
    assert rows["concurrency"]["found"] == "decodes 1 of 6 at a time"
    assert "--slots of tailrace simulate to 6" in rows["concurrency"]["fix"]


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        done, rows = checked(tmp_path, url, "-m", "sim")
    assert_sentence(done, UNREACHABLE, "check failed", "connect", "refused", "start the server")
    assert rows["connect"]["status"] == "fail"
    assert rows["answers"]["status"] == "warn"
    assert json.loads(done.stdout)["first_failure"]["name"] == "connect"
    assert json.loads(done.stdout)["requests"] == 0


def test_a_host_that_is_not_known(tmp_path: Path) -> None:
    done, rows = checked(tmp_path, "http://no-such-host.invalid", "-m", "sim")
    assert_sentence(done, UNREACHABLE, "name", "'no-such-host.invalid' cannot be resolved", "--url")
    assert "connect" not in rows


def test_a_key_that_is_missing_or_wrong(tmp_path: Path) -> None:
    with background(Script(ttft_ns=MS, gap_ns=10 * MS, api_key="sesame")) as url:
        done, rows = checked(tmp_path, url, "-m", "sim")
        wrong, _ = checked(tmp_path, url, "-m", "sim", env={"OPENAI_API_KEY": "seed"})
        good, _ = checked(tmp_path, url, "-m", "sim", env={"OPENAI_API_KEY": "sesame"})
    assert_sentence(done, UNREACHABLE, "HTTP 401", "OPENAI_API_KEY", "--api-key-file")
    assert rows["answers"]["status"] == "fail"
    assert_sentence(wrong, UNREACHABLE, "HTTP 401")
    assert "seed" not in wrong.stdout + wrong.stderr
    assert good.returncode == 0, good.stderr
    assert "sesame" not in good.stdout + good.stderr


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with background(QUICK) as url:
        done, rows = checked(tmp_path, url, "-m", "wrong")
    assert_sentence(done, UNREACHABLE, "model wrong", "listed", "lists no wrong", "sim, a/b:1")
    assert rows["answers"]["status"] == "fail"
    assert "concurrency" not in rows


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ("not_sse", "answers", ["text/html", "--no-stream"]),
        ("http_429", "answers", ["HTTP 429", "rate limit"]),
        ("http_500", "answers", ["HTTP 500", "log"]),
        ("error_event", "answers", ["the server sent an error"]),
        ("no_done", "answers", ["without [DONE]"]),
        ("empty", "answers", ["no output", "chat template"]),
        ("stall", "answers", ["3 chunks came", "--within"]),
    ],
)
def test_a_fault_is_red_with_its_fix(
    tmp_path: Path, fault: str, name: str, words: list[str]
) -> None:
    with background(Script(ttft_ns=MS, gap_ns=10 * MS, fault=fault)) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", "--within", "3s")
    assert_sentence(done, UNREACHABLE, "model sim", name, *words)
    assert rows[name]["status"] == "fail"


def test_an_answer_that_only_looks_streamed(tmp_path: Path) -> None:
    script = Script(ttft_ns=300 * MS, gap_ns=0)
    with background(script) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", "-c", "1")
    assert_sentence(done, UNREACHABLE, "streams", "came at the end", "proxy_buffering")
    assert rows["answers"]["status"] == "ok"


def test_failures_of_the_burst_alone_are_red(tmp_path: Path) -> None:
    # The endpoint counts six look-ups and two probes before the six of the burst.
    script = Script(ttft_ns=MS, gap_ns=10 * MS, fault="http_429", fault_from=13)
    with background(script) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", "-c", "6")
    assert_sentence(done, UNREACHABLE, "concurrency", "2 of 6 failed", "http_429", "fewer users")
    assert rows["answers"]["status"] == "ok"


def test_a_second_request_that_fails_is_red(tmp_path: Path) -> None:
    script = Script(ttft_ns=MS, gap_ns=10 * MS, fault="http_500", fault_from=8)
    with background(script) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", "-c", "1")
    assert_sentence(done, UNREACHABLE, "answers", "only the first of two", "HTTP 500", "log")
    assert "streams" in rows


def test_usage_that_is_not_asked_for_is_yellow(tmp_path: Path) -> None:
    with background(QUICK) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", "--no-stream-usage")
    assert done.returncode == 0
    assert rows["tokens"]["status"] == "warn"
    assert "no usage in the answer; 16 chunks" in rows["tokens"]["found"]


def test_connections_that_are_closed_are_yellow(tmp_path: Path) -> None:
    script = Script(ttft_ns=MS, gap_ns=10 * MS, fault="connection_close")
    with background(script) as url:
        done, rows = checked(tmp_path, url, "-m", "sim")
    assert done.returncode == 0, done.stderr
    assert rows["connection"]["status"] == "warn"
    assert "keep-alive" in rows["connection"]["fix"]


@pytest.mark.parametrize("arguments", [["--no-stream"], ["--dialect", "openai-embeddings"]])
def test_answers_that_come_whole(tmp_path: Path, arguments: list[str]) -> None:
    with background(QUICK) as url:
        done, rows = checked(tmp_path, url, "-m", "sim", *arguments)
    assert done.returncode == 0, done.stderr
    assert "streams" not in rows
    assert rows["answers"]["found"].startswith("whole answer ")
    assert "do not tell how many at once" in rows["concurrency"]["found"]


def test_a_scenario_file_is_checked_as_it_would_run(tmp_path: Path) -> None:
    with background(QUICK) as url:
        text = f'url = "{url}"\nmodel = ["a/b:1"]\nconcurrency = "1,3"\nmax-tokens = 9\n'
        (tmp_path / "s.toml").write_text(text, encoding="utf-8")
        done = tailrace("check", "s.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "decodes 3 of 3 at a time" in done.stdout


def test_a_queue_whose_servers_the_run_starts(tmp_path: Path) -> None:
    with background(QUICK) as url:
        queue = [
            {"alias": "given", "model": "sim", "url": url},
            {"alias": "started", "model": "x", "serve": "no-such-program --port {port}"},
        ]
        (tmp_path / "m.json").write_text(json.dumps(queue), encoding="utf-8")
        done = tailrace("check", "--models-file", "m.json", "-c", "2", cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, "model started", "serve", "no-such-program", "install it")
    assert "\nmodel given\n" in done.stdout
    assert "decodes 2 of 2 at a time" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-m", "sim"], ["--url is missing"]),
        (["--url", "nowhere"], ["--url", "'nowhere'", "http://"]),
        (["--url", "http://127.0.0.1:1", "--within", "soon"], ["--within", "'soon'"]),
        (["--url", "http://127.0.0.1:1", "--probe-tokens", "0"], ["--probe-tokens"]),
        (["--resume", "runs/x"], ["--resume", "--url"]),
        (["nowhere.toml"], ["nowhere.toml"]),
    ],
)
def test_wrong_usage_is_one_sentence(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    assert_sentence(tailrace("check", *arguments, cwd=tmp_path), USAGE, *words)


def test_the_help_shows_what_makes_a_difference(tmp_path: Path) -> None:
    text = tailrace("check", "--help", cwd=tmp_path).stdout
    for option in ("--url", "--models-file", "--probe-tokens", "--within", "--json", "--header"):
        assert option in text
    for option in ("--duration", "--judge", "--resume", "--warmup"):
        assert option not in text


def test_it_finds_in_which_words_a_model_is_asked(tmp_path: Path) -> None:
    with served({"/api/chat": "ollama-chat/thinking"}, {"/api/version": OLLAMA}) as url:
        done, rows = checked(tmp_path, url, "-m", "m", "-c", "1")
    assert rows["dialect"]["found"].startswith("ollama-chat (GET /api/version")
    assert rows["answers"]["status"] == "ok"
    assert_sentence(done, UNREACHABLE, "streams")  # the fixture comes in one piece


def test_an_adapter_is_left_to_the_run(tmp_path: Path) -> None:
    with background(QUICK) as url:
        done, rows = checked(tmp_path, url, "--adapter", "json:JSONDecoder")
    assert "the run starts its adapter" in rows["answers"]["found"], done.stderr
