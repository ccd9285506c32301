"""One scenario, unchanged, against five kinds of target, and one report that shows them all.

Real llama.cpp, the real Foundry Local runtime, an endpoint that answers as Ollama does and one that
answers as Anthropic does (both scripted), and a Python object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from foundry_runtime import Runtime, foundry_runtime, write_models
from tiny_gguf import NAME

from tailrace.simulate import Script, background
from tests.command import MEASURED, tailrace
from tests.test_cli_run import load, only_run, rows_of

pytestmark = pytest.mark.server

TOKENS, REQUESTS = 12, 6
SCENARIO = f"""\
concurrency = "1,2"
requests = {REQUESTS}
warmup = "0s"
max-tokens = {TOKENS}
prompt = ["Say it in twelve words."]
models-file = "models.json"
"""
ADAPTER = """\
class Count:
    def load(self, weights_path):
        pass

    def generate(self, prompt, max_tokens):
        for number in range(max_tokens):
            yield f"{number} "
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    home = tmp_path_factory.mktemp("foundry")
    write_models(home)
    with foundry_runtime(home) as one:
        yield one


def test_one_scenario_five_targets_one_report(
    llama_url: str, runtime: Runtime, tmp_path: Path
) -> None:
    script = Script(ttft_ns=5_000_000, gap_ns=2_000_000, tokens=TOKENS)
    with background(script) as url:
        entries = {
            "llama": {"model": NAME, "url": llama_url},
            "foundry": {"model": "tiny", "server": "foundry"},
            "ollama-shaped": {"model": "sim", "url": url, "dialect": "ollama-chat"},
            "anthropic-shaped": {"model": "sim", "url": url, "dialect": "anthropic-messages"},
            "python": {"adapter": "counting:Count"},
        }
        (tmp_path / "models.json").write_text(json.dumps(entries), encoding="utf-8")
        (tmp_path / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
        (tmp_path / "counting.py").write_text(ADAPTER, encoding="utf-8")
        done = tailrace(
            *("run", "scenario.toml", "-q"),
            cwd=tmp_path,
            env={"FOUNDRY_LOCAL_ENDPOINT": runtime.root},
            timeout_s=180,
        )
    assert done.returncode in MEASURED, done.stderr
    run = only_run(tmp_path)
    facts = load(run / "run.json")
    assert [(one["model"], one["status"]) for one in facts["models"]] == [
        (name, "ok") for name in entries
    ]
    spoken = {one["model"]: one["dialect"] for one in facts["models"]}
    assert spoken == {
        **dict.fromkeys(("llama", "foundry", "python"), "openai-chat"),
        "ollama-shaped": "ollama-chat",
        "anthropic-shaped": "anthropic-messages",
    }
    for name in entries:
        rows = [row for row in rows_of(run, name) if row.phase == "measure"]
        assert len(rows) == 2 * REQUESTS
        for row in rows:
            assert (row.outcome, row.output_tokens, row.token_source) == ("ok", TOKENS, "usage")
            assert row.first_output_ns is not None
            assert row.sent_ns is not None
            assert row.sent_ns < row.first_output_ns
    report = (run / "report.md").read_text(encoding="utf-8")
    page = (run / "report.html").read_text(encoding="utf-8")
    for name in entries:
        assert name in report
        assert name in page
        assert name in done.stdout
    by_name = {one["model"]: one for one in facts["models"]}
    assert by_name["foundry"]["tags"]["foundry"]["alias"] == "tiny"
    assert by_name["foundry"]["steps_s"]["load"] > 0
    assert by_name["python"]["steps_s"]["load"] > 0
