"""``--dialect openai-embeddings``: real command runs against the scripted endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from .command import tailrace
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
