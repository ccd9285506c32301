"""Every wrong input: one clear sentence on standard error, its exit code, no traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from .command import tailrace

USAGE, UNREACHABLE = 2, 3


def assert_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The process ended with ``code`` and its last error line has all ``words``."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last, last


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--concurrency", "0"], ["--concurrency", "0", "1 to"]),
        (["--concurrency", "four"], ["--concurrency", "'four'", "1,2,4,8"]),
        (["--concurrency", "1,,2"], ["--concurrency", "1,2,4,8"]),
        (["--duration", "soon"], ["--duration", "'soon'", "30s"]),
        (["--duration", "0s"], ["--duration", "longer than nothing"]),
        (["--duration", "1s", "--requests", "5"], ["--duration", "--requests", "exclude"]),
        (["--requests", "0"], ["--requests"]),
        (["--prompt", ""], ["--prompt", "empty"]),
        (["--prompt", "   "], ["--prompt", "empty"]),
        (["--prompt", "@no-such-file"], ["--prompt", "no-such-file", "No such file"]),
        (["--model", " "], ["--model", "empty"]),
        (["--transport", "carrier-pigeon"], ["--transport", "fast", "httpx"]),
        (["--max-tokens", "0"], ["--max-tokens"]),
        (["--extra-body", "[1]"], ["--extra-body", "object"]),
        (["--extra-body", "{"], ["--extra-body", "JSON"]),
        (["--header", "no colon"], ["--header", "Name: value"]),
        (["--ca-file", "nowhere.pem"], ["--ca-file", "nowhere.pem"]),
        (["--api-key-file", "nowhere.key"], ["--api-key-file", "nowhere.key"]),
        (["--config", "nowhere.toml"], ["--config", "nowhere.toml"]),
        (["--no-such-flag"], ["--no-such-flag"]),
    ],
)
def test_a_wrong_flag(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    done = tailrace("run", "--url", "http://127.0.0.1:9", "-m", "m", *arguments, cwd=tmp_path)
    assert_sentence(done, USAGE, *words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("127.0.0.1:8080", "is not a URL"),
        ("ftp://x/v1", "is not a URL"),
        ("http://", "is not a URL"),
        ("http://x:99999/v1", "port"),
        ("http://x/v1?api_key=secret-7", "(api_key=…)"),
        ("http://user:secret@x/v1", "user or password"),
    ],
)
def test_a_wrong_url(tmp_path: Path, url: str, word: str) -> None:
    done = tailrace("run", "--url", url, "-m", "m", cwd=tmp_path)
    assert_sentence(done, USAGE, "--url", word)
    assert "secret@" not in done.stderr
    assert "secret-7" not in done.stderr


def test_missing_url_and_model(tmp_path: Path) -> None:
    assert_sentence(tailrace("run", "-m", "m", cwd=tmp_path), USAGE, "--url")
    assert_sentence(tailrace("run", "--url", "http://x", cwd=tmp_path), USAGE, "--model")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concurency = 4", ["c.toml line 1", "unknown key", "'concurency'", "'concurrency'?"]),
        ("concurrency = ", ["c.toml", "not TOML"]),
        ('max-tokens = "many"', ["c.toml line 1", "'max-tokens'", "a whole number of 1 or more"]),
        ("\nduration = -3", ["c.toml line 2: --duration", "like 30s"]),
    ],
)
def test_a_wrong_config_file(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = tailrace(
        "run", "--config", "c.toml", "--url", "http://127.0.0.1:9", "-m", "m", cwd=tmp_path
    )
    assert_sentence(done, USAGE, *words)


def quick(url: str, *more: str, model: str = "sim") -> list[str]:
    return ["run", "--url", url, "-m", model, "-n", "2", "--warmup", "0s", *more]


def test_a_refused_connection(tmp_path: Path) -> None:
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{placeholder.getsockname()[1]}"
        done = tailrace(*quick(url), cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, url, "refused the connection")


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    done = tailrace(*quick("http://no-such-host.invalid"), cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, "no-such-host.invalid", "cannot be resolved")


FAULTS: dict[str, tuple[str, list[str]]] = {
    "a key that is refused": ("http_401", ["refused the request", "OPENAI_API_KEY"]),
    "an answer that is no stream": ("not_sse", ["text/event-stream"]),
    "a server error": ("http_500", ["HTTP 500"]),
    "an error inside the stream": ("error_event", ["sent an error"]),
    "an empty answer": ("empty", ["no output"]),
    "a body that is cut": ("truncated", ["middle of the body"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_server_that_fails(tmp_path: Path, name: str) -> None:
    fault, words = FAULTS[name]
    with background(Script(ttft_ns=1_000_000, gap_ns=1_000_000, fault=fault)) as url:
        done = tailrace(*quick(url), cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, url, *words)


def test_a_model_that_is_not_there_lists_those_that_are(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(*quick(sim_url, model="gpt-9"), cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, "'gpt-9'", "'sim'", "'a/b:1'")


def test_a_folder_that_cannot_be_written(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = tailrace(*quick(sim_url, "--out", "file/runs"), cwd=tmp_path)
    assert_sentence(done, USAGE, "file/runs", "cannot be written", "--out")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_on_open_files_that_is_too_low(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(*quick(sim_url, "-c", "500"), cwd=tmp_path, ulimit="-n 128")
    assert_sentence(done, USAGE, "500 users", "128", "ulimit -Hn")


BROKEN_RUNS: dict[str, Callable[[Path], None]] = {
    "not a run": lambda path: None,
    "run.json is not JSON": lambda path: _write(path / "run.json", "{"),
    "run.json is a list": lambda path: _write(path / "run.json", "[]"),
    "run.json is of another schema": lambda path: _write(path / "run.json", '{"schema":"x"}'),
    "run.json lacks parts": lambda path: _write(
        path / "run.json", '{"schema":"tailrace.run/1","models":[{}]}'
    ),
}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", BROKEN_RUNS)
def test_a_folder_that_is_no_run(tmp_path: Path, name: str) -> None:
    BROKEN_RUNS[name](tmp_path / "r")
    assert_sentence(tailrace("report", "r", cwd=tmp_path), USAGE, "run.json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "gremlins"], ["unknown fault", "'gremlins'", "reset"]),
        (["--ttft", "soon"], ["--ttft"]),
        (["--jitter", "2"], ["jitter"]),
        (["--tokens", "0"], ["tokens"]),
    ],
)
def test_a_wrong_script(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    assert_sentence(tailrace("simulate", *arguments, cwd=tmp_path), USAGE, *words)


def test_a_port_that_is_taken(sim_url: str, tmp_path: Path) -> None:
    port = sim_url.split(":")[2].split("/", maxsplit=1)[0]
    done = tailrace("simulate", "--port", port, cwd=tmp_path)
    assert_sentence(done, USAGE, port, "cannot be listened on")
