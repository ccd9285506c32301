"""A real llama.cpp server answers and judges: random weights, held to the schema by its grammar.

Its words mean nothing. Whether the grammar lets them end in time decides if there is a score, and
either way every facet of every answer is accounted for.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_gguf import NAME

from tests.command import tailrace

pytestmark = pytest.mark.server

FACETS = {"accuracy", "completeness", "clarity"}


def test_a_tiny_model_judges(llama_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", llama_url, "-m", NAME, "-n", "3", "--warmup", "0s", "--max-tokens", "8"),
        *("--keep-text", "-q", "--out", "out"),
        cwd=tmp_path,
    )
    assert done.returncode in (0, 11), done.stderr
    (run,) = (tmp_path / "out").iterdir()
    judged = tailrace(
        *("rubric", "judge", str(run), "--judge-url", llama_url, "--judge-model", NAME),
        *("--max-tokens", "64"),
        cwd=tmp_path,
        timeout_s=120,
    )
    assert judged.returncode == 0, judged.stderr
    lines = (run / "rubric" / "judge.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    for line in map(json.loads, lines):
        scores, unscored = line.get("scores", {}), line.get("unscored", {})
        assert set(scores) | set(unscored) == FACETS
        assert not set(scores) & set(unscored)
        assert all(type(score) is int and 1 <= score <= 5 for score in scores.values())
        assert all(reason.partition(":")[1] for reason in unscored.values())
        assert line["output_tokens"] > 0
    report = tailrace("report", str(run), "--json", cwd=tmp_path)
    assert report.returncode in (0, 11), report.stderr
    (model,) = json.loads(report.stdout)["models"]
    (judge,) = model["quality"]["judges"]
    assert judge["scored"] + judge["unscored"] == 9
