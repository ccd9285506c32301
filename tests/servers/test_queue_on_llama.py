"""A queue of real models, each on a llama.cpp server of its own; a broken file is a row."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from tiny_gguf import write_tiny_gguf

from tests.command import tailrace
from tests.queue_of_models import write_models
from tests.test_cli_run import load, only_run, rows_of

pytestmark = pytest.mark.server

SERVE = Path(__file__).with_name("serve_gguf.py")
REQUESTS, TOKENS = 6, 12


def entry(path: Path, **tags: Any) -> dict[str, Any]:
    size_mb = round(path.stat().st_size / 1e6, 1)
    return {"serve": [sys.executable, str(SERVE), str(path), "{port}"], "size_mb": size_mb, **tags}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models of different sizes, and one whose file was cut in the middle."""
    folder = tmp_path_factory.mktemp("queue")
    small = write_tiny_gguf(folder / "small.gguf")
    large = write_tiny_gguf(folder / "large.gguf", width=1024, layers=6)
    cut = folder / "cut.gguf"
    cut.write_bytes(large.read_bytes()[: large.stat().st_size // 2])
    noise = folder / "noise.gguf"
    noise.write_bytes(b"this is no model\n" * 1000)
    models = {
        "small": entry(small, quantization="f32"),
        "cut": entry(cut),
        "noise": entry(noise),
        "large": entry(large, quantization="f32"),
    }
    write_models(folder, models)
    done = tailrace(
        *("run", "--models-file", "models.json", "-c", "1,2", "-n", str(REQUESTS)),
        *("--warmup", "0s", "--max-tokens", str(TOKENS), "-q"),
        cwd=folder,
        timeout_s=300,
    )
    assert done.returncode == 3, done.stderr
    return only_run(folder)


def results(run: Path) -> dict[str, Any]:
    return {path.parent.name: load(path) for path in run.glob("*/result.json")}


def test_whole_models_are_measured_and_broken_ones_are_rows(run: Path) -> None:
    found = results(run)
    assert {name: each["status"] for name, each in found.items()} == {
        **{"small": "ok", "large": "ok"},
        **{"cut": "failed", "noise": "failed"},
    }
    for name in ("small", "large"):
        stages = found[name]["stages"]
        assert [s["counts"]["measured"]["ok"] for s in stages] == [REQUESTS] * 2
        assert {s["tokens"]["output"] for s in stages} == {REQUESTS * TOKENS}
        assert len(rows_of(run, name)) == 2 * REQUESTS + 1


CAUSES = {"cut": "data is not within the file bounds", "noise": "failed to load model"}


@pytest.mark.parametrize("name", CAUSES)
def test_a_broken_file_has_its_reason(run: Path, name: str) -> None:
    broken = results(run)[name]
    assert (broken["step"], broken["error_class"]) == ("load", "server_ended")
    last = (run / name / "server.log").read_text(errors="replace").split("\n")[-2]
    for words in (f"{name}/server.log says: ", CAUSES[name], last):
        assert words in broken["error"]
    with (run / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["model"] == name]
    assert (row["status"], row["error_class"]) == ("failed", "server_ended")
    assert CAUSES[name] in (run / "report.md").read_text(encoding="utf-8")


def test_the_larger_model_takes_more_of_everything(run: Path) -> None:
    small, large = (results(run)[name] for name in ("small", "large"))
    for each in (small, large):
        assert list(each["steps_s"]) == ["resolve", "load", "warm", "unload"]
        assert each["tags"]["quantization"] == "f32"
    more = large["footprint"]["peak_rss_bytes"] - small["footprint"]["peak_rss_bytes"]
    assert more > 0.8e6 * (large["tags"]["size_mb"] - small["tags"]["size_mb"])


def test_no_server_is_left(run: Path) -> None:
    words = json.dumps(str(run.parents[1]))[1:-1]
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if words in str(p.info["cmdline"])]
    assert left == []
