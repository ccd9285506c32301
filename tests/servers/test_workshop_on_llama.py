"""One command from a models file to the table to choose by, on real llama.cpp servers.

Three models, one of them broken, a prompts file, and the larger model as the judge. Its words mean
nothing; llama.cpp's grammar holds them to the schema, so that most replies are scores.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psutil
import pytest
from test_queue_on_llama import entry
from tiny_gguf import write_tiny_gguf

from tests.command import tailrace
from tests.queue_of_models import write_models
from tests.test_cli_run import load, only_run

pytestmark = pytest.mark.server

REQUESTS, SAMPLES = 6, 2
PROMPTS = {"1": "Why is the sky blue?", "2": "How long is a tail?"}
FACETS = {"tone", "depth"}
RUBRIC = '[facets]\ntone = "It is polite."\ndepth = "It says why."\n'
CAUSE = "data is not within the file bounds"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[CompletedProcess[str], Path]:
    """The one command, and the folder that it wrote."""
    folder = tmp_path_factory.mktemp("workshop")
    small = write_tiny_gguf(folder / "small.gguf")
    large = write_tiny_gguf(folder / "large.gguf", width=256, layers=3)
    cut = folder / "cut.gguf"
    cut.write_bytes(large.read_bytes()[: large.stat().st_size // 2])
    models = {"small": entry(small, license="MIT"), "cut": entry(cut), "large": entry(large)}
    write_models(folder, models)
    lines = [json.dumps({"prompt": prompt}) for prompt in PROMPTS.values()]
    (folder / "prompts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    found = tailrace(
        *("run", "--models-file", "models.json", "--prompts", "prompts.jsonl", "-c", "1,2"),
        *("-n", str(REQUESTS), "--warmup", "0s", "--max-tokens", "12", "--rubric", "rubric.toml"),
        *("--rubric-samples", str(SAMPLES), "--judge", "large", "--judge-max-tokens", "200"),
        cwd=folder,
        timeout_s=300,
    )
    return found, only_run(folder)


def test_it_is_measured_and_the_broken_model_is_a_row(
    done: tuple[CompletedProcess[str], Path],
) -> None:
    found, run = done
    assert found.returncode == 3, found.stderr  # one model failed
    results = {path.parent.name: load(path) for path in run.glob("*/result.json")}
    assert {name: each["status"] for name, each in results.items()} == {
        **{"small": "ok", "large": "ok", "cut": "failed"},
    }
    for name in ("small", "large"):
        measured = [stage["counts"]["measured"]["ok"] for stage in results[name]["stages"]]
        assert measured == [REQUESTS] * 2
    assert CAUSE in results["cut"]["error"]
    assert "judging failed" not in found.stderr


def test_the_sheet_has_a_row_for_each_answer_of_the_models_that_ran(
    done: tuple[CompletedProcess[str], Path],
) -> None:
    _, run = done
    with (run / "rubric/annotations.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter((row["model"], row["prompt"]) for row in rows) == {
        (model, prompt): SAMPLES for model in ("small", "large") for prompt in PROMPTS
    }
    for row in rows:
        assert row["text"]
        assert (row["tone"], row["depth"]) == ("", "")


def judged(run: Path) -> list[dict[str, Any]]:
    lines = (run / "rubric/judge.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_every_answer_of_the_sheet_is_scored_or_says_why_not(
    done: tuple[CompletedProcess[str], Path],
) -> None:
    _, run = done
    lines = judged(run)
    assert len({(line["model"], line["request"]) for line in lines}) == len(lines) == 8
    for line in lines:
        scores, unscored = line.get("scores", {}), line.get("unscored", {})
        assert set(scores) | set(unscored) == FACETS
        assert all(reason.partition(":")[1] for reason in unscored.values())
        assert (line["judge"], line.get("error")) == ("large", None)
    assert any(line.get("scores") for line in lines)
    for name in ("small", "large"):
        (judge,) = load(run / name / "result.json")["quality"]["judges"]
        assert judge["scored"] + judge["unscored"] == SAMPLES * len(PROMPTS) * len(FACETS)


def test_the_report_has_the_table_with_all_three(done: tuple[CompletedProcess[str], Path]) -> None:
    found, run = done
    text = (run / "report.md").read_text(encoding="utf-8")
    selection = text[text.index("\n## Selection\n") : text.index("\n## Results\n")]
    head, _, *rows = [line for line in selection.splitlines() if line.startswith("| ")]
    columns = [cell.strip() for cell in head.strip("|").split("|")]
    table = {}
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        table[cells[0]] = dict(zip(columns, cells, strict=True))
    assert list(table) == ["small", "cut", "large"]
    assert table["cut"]["state"] == "failed: server_ended"
    assert table["cut"]["quality (judge)"] == table["cut"]["tokens/s"] == "n/a"
    assert table["small"]["licence"] == "MIT"
    assert all(table[name]["TTFT p50 ms"] != "n/a" for name in ("small", "large"))
    assert all(table[name]["RSS MB"] != "n/a" for name in ("small", "large"))
    assert any(table[name]["quality (judge)"] != "n/a" for name in ("small", "large"))
    assert "cut failed: its server ended with code 1" in selection
    assert CAUSE in selection
    assert "\n## Quality\n" in text
    html = (run / "report.html").read_text(encoding="utf-8")
    for words in ("<h2>Selection</h2>", "<h2>Quality</h2>", "cut failed: its server ended"):
        assert words in html
    for words in ("Models at load level 2", "rubric/annotations.csv", "report.html"):
        assert words in found.stdout


def test_no_server_is_left(done: tuple[CompletedProcess[str], Path]) -> None:
    _, run = done
    assert "serving on" in (run / "rubric/server.log").read_text(encoding="utf-8", errors="replace")
    folder = json.dumps(str(run.parents[1]))[1:-1]
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if folder in str(p.info["cmdline"])]
    assert left == []
