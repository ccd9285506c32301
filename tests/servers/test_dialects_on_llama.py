"""Every dialect that llama.cpp's server speaks, measured with the same counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_gguf import NAME

from tailrace.results.schema import parse_row
from tests.command import tailrace

pytestmark = pytest.mark.server

FINISH = {
    "openai-chat": "length",
    "openai-completions": "length",
    "openai-responses": "completed",  # this server says so even where it cut the answer
    "anthropic-messages": "max_tokens",
    "llamacpp-completion": "limit",
}


def test_one_run_in_five_dialects(llama_url: str, tmp_path: Path) -> None:
    entries = {name: {"model": NAME, "dialect": name, "url": llama_url} for name in FINISH}
    (tmp_path / "models.json").write_text(json.dumps(entries), encoding="utf-8")
    done = tailrace(
        *("run", "--models-file", "models.json", "-c", "2", "-n", "6", "--warmup", "0s"),
        *("--max-tokens", "12", "-q"),
        cwd=tmp_path,
    )
    assert done.returncode in (0, 11), done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    for name, finish in FINISH.items():
        lines = (run / name / "requests.jsonl").read_bytes().splitlines()
        rows = [row for row in (parse_row(line, "") for line in lines) if row.phase == "measure"]
        assert len(rows) == 6
        for row in rows:
            assert (row.outcome, row.output_tokens, row.token_source) == ("ok", 12, "usage"), name
            assert row.chunks == 12, name
            assert row.finish_reason == finish
            assert row.input_tokens
            assert (row.chunk_tokens == [1] * 12) == (name == "llamacpp-completion")
