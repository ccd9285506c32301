"""The view of a real server: llama.cpp's counters against the usage that it told its client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import SLOTS
from tiny_gguf import NAME

from tests.command import MEASURED, tailrace

pytestmark = pytest.mark.server


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_llama_counts_is_what_it_told(
    llama_url: str, llama_metrics: Callable[[], dict[str, float]], tmp_path: Path
) -> None:
    before = llama_metrics()["tokens_predicted_total"]
    done = tailrace(
        *("run", "--url", llama_url, "-m", NAME, "--warmup", "500ms", "-d", "2s", "-c", "2,6"),
        *("--max-tokens", "300", "--server-metrics-interval", "200ms"),
        cwd=tmp_path,
    )
    assert done.returncode in MEASURED, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    result = load(run / NAME / "result.json")
    assert result["server"]["software"] == "llama.cpp"
    rows = [json.loads(line) for line in (run / NAME / "requests.jsonl").open(encoding="utf-8")]
    assert {row.get("outcome", "ok") for row in rows} == {"ok"}
    told = dict.fromkeys((-1, 0, 1), 0)
    for row in rows:
        assert row["token_source"] == "usage"
        told[row["stage"]] += row["output_tokens"]
    assert llama_metrics()["tokens_predicted_total"] - before == sum(told.values())
    for stage in result["stages"]:
        found = stage["server"]
        assert found["generated_tokens"] == told[stage["index"]] > 0
        assert found["missed"] == 0
        assert found["process"]["rss_max_bytes"] > 20_000_000
        assert found["process"]["cpu_mean"] > 0.05
        findings = {each["name"]: each for each in stage["audit"]}
        assert findings["server's tokens"]["status"] == "ok"
    few, many = (stage["server"] for stage in result["stages"])
    assert few["running"]["max"] <= 2
    assert many["running"]["max"] == SLOTS
    assert few["waiting"]["max"] == 0 < many["waiting"]["max"] <= 6 - SLOTS
    assert f"server   {NAME}, 6 users: running" in done.stdout
