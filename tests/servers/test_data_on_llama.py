"""Made prompts against llama.cpp's own counts: the chat template and the vocabulary are real."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import NAME

from tests.command import MEASURED, tailrace

pytestmark = pytest.mark.server


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_lengths_are_what_the_server_counts(llama_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", llama_url, "-m", NAME, "--warmup", "0s", "-n", "12", "-c", "2"),
        *("--input-tokens", "uniform:100,160", "--output-tokens", "uniform:2,6"),
        cwd=tmp_path,
    )
    assert done.returncode in MEASURED, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    (model,) = load(run / "run.json")["models"]
    found = model["alignment"]
    assert found["overhead_tokens"] > 0, "the chat template costs tokens"
    most_off = found["tokens_per_piece"] / 2 + 3
    assert abs(found["check"]["prompt_tokens"] - found["check"]["asked_tokens"]) <= most_off
    rows = [json.loads(line) for line in (run / NAME / "requests.jsonl").open(encoding="utf-8")]
    measured = [row for row in rows if row["phase"] == "measure"]
    assert len(measured) == 12
    assert all(100 - most_off <= row["input_tokens"] <= 160 + most_off for row in measured)
    assert {row["output_tokens"] for row in measured} <= {2, 3, 4, 5, 6}


def test_images_are_refused_by_a_model_that_sees_nothing(llama_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", llama_url, "-m", NAME, "--warmup", "0s", "-n", "2"),
        *("-p", "what is it?", "--images", "1@32x32"),
        cwd=tmp_path,
    )
    assert done.returncode == 3
    assert "image" in done.stderr
