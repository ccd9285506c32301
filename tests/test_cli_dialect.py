"""``--dialect``: real command runs against the scripted endpoint."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from .command import tailrace
from .engine.dialect_spoken import FINISH, STREAMED
from .test_cli_bad_input import UNREACHABLE, USAGE, assert_sentence
from .test_cli_file import ran
from .test_cli_run import load, only_run, rows_of

ARGUMENTS = ("-m", "sim", "-c", "2", "-n", "6", "--warmup", "0s", "-q")


@pytest.mark.parametrize("path", ["", "/v1", "/v1/embeddings"])
def test_inputs_are_counted_and_what_only_streams_have_is_not(
    sim_url: str, tmp_path: Path, path: str
) -> None:
    url = sim_url.removesuffix("/v1") + path
    text = "word " * 80
    done = tailrace(
        *("run", "--dialect", "openai-embeddings", "--url", url, "-p", text, *ARGUMENTS),
        cwd=tmp_path,
    )
    ran(done)
    run = only_run(tmp_path)
    (stage,) = load(run / "sim" / "result.json")["stages"]
    assert stage["counts"]["measured"]["ok"] == 6
    assert stage["streamed"] is False
    assert stage["metrics"]["ttft"]["n"] is None
    assert stage["metrics"]["e2e"]["n"] == 6
    assert stage["metrics"]["e2e"]["min_ns"] >= 20_000_000  # the endpoint's time to first token
    assert stage["rates"]["requests_per_s"] > 0
    assert stage["rates"]["tokens_per_s"] is None
    nonce = len("[0123456789abcdef] ")
    each = (nonce + len(text)) // 4
    assert stage["tokens"]["input"] == 6 * each
    assert {row.input_tokens for row in rows_of(run)} == {each}
    assert load(run / "run.json")["scenario"]["dialect"] == "openai-embeddings"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("garbage_json", ["cannot be read", "not a list of embeddings"]),
        ("empty", ["no output"]),
        ("http_500", ["HTTP 500"]),
    ],
)
def test_embeddings_that_fail(tmp_path: Path, fault: str, words: list[str]) -> None:
    with background(Script(ttft_ns=1_000_000, fault=fault)) as url:
        done = tailrace(
            "run", "--dialect", "openai-embeddings", "--url", url, *ARGUMENTS, cwd=tmp_path
        )
    assert_sentence(done, UNREACHABLE, url, *words)


def test_what_embeddings_have_no_use_for(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        'dialect = "openai-embeddings"\nsystem = "x"', encoding="utf-8"
    )
    done = tailrace("run", "s.toml", "--url", "http://127.0.0.1:9", "-m", "m", cwd=tmp_path)
    assert_sentence(
        done, USAGE, "s.toml line 2: --system is part of a chat", "--dialect openai-embeddings"
    )


@pytest.mark.parametrize("dialect", STREAMED)
def test_each_dialect_is_measured_alike(sim_url: str, tmp_path: Path, dialect: str) -> None:
    done = tailrace(
        *("run", "--dialect", dialect, "--url", sim_url, "--max-tokens", "8", *ARGUMENTS),
        cwd=tmp_path,
    )
    ran(done)
    run = only_run(tmp_path)
    rows = [row for row in rows_of(run) if row.phase == "measure"]
    assert {row.outcome for row in rows} == {"ok"}
    assert {row.chunks for row in rows} == {8}
    assert {(row.output_tokens, row.token_source) for row in rows} == {(8, "usage")}
    assert {row.finish_reason for row in rows} == {FINISH.get(dialect, "length")}
    assert all(row.input_tokens and row.input_tokens > 10 for row in rows)
    assert min(row.first_output_ns - row.sent_ns for row in rows) >= 20_000_000
    facts = load(run / "run.json")
    assert facts["models"][0]["dialect"] == dialect
    assert facts["models"][0]["dialect_from"] == "--dialect says so"
    assert dialect in (run / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("dialect", STREAMED)
def test_each_dialect_answers_whole(sim_url: str, tmp_path: Path, dialect: str) -> None:
    done = tailrace(
        *("run", "--dialect", dialect, "--no-stream", "--url", sim_url, "--max-tokens", "5"),
        *ARGUMENTS,
        cwd=tmp_path,
    )
    ran(done)
    rows = rows_of(only_run(tmp_path))
    assert {(row.outcome, row.output_tokens, row.chunks) for row in rows} == {("ok", 5, 0)}


FAULTS = {
    "error_event": "error_event",
    "truncated": "truncated",
    "no_done": "no_done",
    "empty": "empty",
    "garbage_json": "bad_event",
    "http_500": "http_500",
    "stall": "idle_timeout",
    "reset": "reset",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_of_its_own_class_in_each_dialect(tmp_path: Path, fault: str) -> None:
    script = Script(ttft_ns=2_000_000, gap_ns=1_000_000, fault=fault, fault_every=5)
    with background(script) as url:
        entries = {d: {"model": "sim", "dialect": d, "url": url} for d in STREAMED}
        (tmp_path / "models.json").write_text(json.dumps(entries), encoding="utf-8")
        done = tailrace(
            *("run", "--models-file", "models.json", "-c", "1", "-n", "4", "--warmup", "0s"),
            *("--idle-timeout", "700ms", "-q"),
            cwd=tmp_path,
        )
    assert done.returncode in (0, 10, 11), done.stderr
    for dialect in STREAMED:
        rows = [row for row in rows_of(only_run(tmp_path), dialect) if row.phase == "measure"]
        assert Counter(row.error_class for row in rows) == {None: 3, FAULTS[fault]: 1}, dialect
    models = load(only_run(tmp_path) / "run.json")["models"]
    assert [model["dialect"] for model in models] == list(STREAMED)
    assert {model["dialect_from"] for model in models} == {"the models file says so"}


def test_dialects_that_nobody_has(tmp_path: Path) -> None:
    url = ("--url", "http://127.0.0.1:9", "-m", "m")
    done = tailrace("run", "--dialect", "klingon", *url, cwd=tmp_path)
    assert_sentence(done, USAGE, "--dialect 'klingon' is unknown", "ollama-chat")
    (tmp_path / "m.json").write_text('{"a": {"dialect": "klingon"}}', encoding="utf-8")
    done = tailrace("run", "--models-file", "m.json", *url[:2], cwd=tmp_path)
    assert_sentence(done, USAGE, "m.json line 1", "'dialect'", "klingon", "openai-chat")


def test_workers_in_processes_of_their_own_speak_it_too(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--dialect", "ollama-chat", "--url", sim_url, "-w", "2", *ARGUMENTS),
        cwd=tmp_path,
    )
    ran(done)
    assert {row.outcome for row in rows_of(only_run(tmp_path))} == {"ok"}
