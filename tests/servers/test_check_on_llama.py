"""``tailrace check`` on llama.cpp's own server: it is known, and its slots are found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_gguf import NAME

from tailrace.demo import llama_server

pytestmark = pytest.mark.server


def test_two_slots_are_found_from_outside(tiny_model: Path, tmp_path: Path) -> None:
    with llama_server(tiny_model, 2, alias=NAME) as url:
        command = [sys.executable, "-m", "tailrace", "check", "--url", url, "--json"]
        command += ["--probe-tokens", "256", "--within", "60s"]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    rows = {row["name"]: row for row in document["rows"]}
    assert rows["software"]["found"].startswith("llama.cpp ")
    assert rows["own limits"]["found"].startswith("2 answers at a time (/props total_slots)")
    assert "chat" in rows["APIs"]["found"]
    assert rows["listed"]["group"] == f"model {NAME}"
    assert rows["answers"]["status"] == "ok"
    assert "256 out" in rows["tokens"]["found"]
    found = rows["concurrency"]["found"]
    assert found == "decodes 2 of 8 at a time, agrees with /props total_slots 2"
    assert rows["concurrency"]["status"] == "warn"
    assert "--parallel" in rows["concurrency"]["fix"]
    assert document["requests"] == 10
