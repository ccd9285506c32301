"""Embeddings of a real llama.cpp server: vectors are read, and tokens are the server's own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.display import Quiet
from tailrace.runner import run_scenario
from tailrace.scenarios.model import Level, Scenario

pytestmark = pytest.mark.server

READY_S = 60


@pytest.fixture
def embeddings_url(tiny_model: Path, tmp_path: Path) -> Iterator[str]:
    note = tmp_path / "address"
    script = Path(__file__).with_name("embedding_server.py")
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, str(script), str(tiny_model), str(note)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + READY_S
        while not note.exists():
            assert child.poll() is None, (tmp_path / "log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield note.read_text(encoding="ascii") + "/v1"
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.kill()
        child.wait()


def test_vectors_of_a_real_server(embeddings_url: str, tmp_path: Path) -> None:
    scenario = Scenario(
        base_url=embeddings_url,
        models=("tiny",),
        levels=(Level(2, 0.0, None, 8),),
        prompts=("one short text", "and another that is a little longer than the first"),
        dialect="openai-embeddings",
        stream=False,
    )
    finished = run_scenario(scenario, tmp_path / "runs", None, (), Quiet())
    (stage,) = finished.results[0]["stages"]
    assert finished.results[0]["error"] is None
    assert stage["counts"]["measured"]["ok"] == 8
    assert stage["tokens"]["input"] > 8 * 4
    assert stage["metrics"]["e2e"]["n"] == 8
    assert stage["metrics"]["ttft"]["n"] is None
