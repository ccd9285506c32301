"""Each bench client does a small job, and its counts are the endpoint's own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

CLIENTS = Path(__file__).resolve().parents[2] / "bench" / "clients"
STREAMS, REQUESTS, TOKENS = 4, 12, 8
NEEDS = {"raw.py": "uvloop", "aiohttp_client.py": "aiohttp", "httpx_client.py": "httpx"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with background(Script(ttft_ns=5_000_000, gap_ns=2_000_000, tokens=TOKENS)) as url:
        yield url


@pytest.mark.parametrize("client", NEEDS)
def test_a_client_does_the_whole_job(url: str, client: str) -> None:
    pytest.importorskip("uvloop")
    pytest.importorskip(NEEDS[client])
    truth = url.removesuffix("/v1") + "/truth"
    urllib.request.urlopen(urllib.request.Request(truth, method="DELETE"), timeout=5).close()
    command = [sys.executable, str(CLIENTS / client), url, *map(str, (STREAMS, REQUESTS, TOKENS))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    said = json.loads(done.stdout)
    assert said["requests"] == REQUESTS
    assert said["chunks"] == REQUESTS * TOKENS
    assert 5e6 <= said["ttft_p50_ns"] <= said["ttft_p99_ns"]
    assert 0 <= said["gap_p50_ns"] <= said["gap_p99_ns"]
    with urllib.request.urlopen(truth, timeout=5) as answer:
        known = json.load(answer)
    assert known["max_in_flight"] == STREAMS
    assert [row["tokens"] for row in known["requests"]] == [TOKENS] * REQUESTS
    assert {row["end"] for row in known["requests"]} == {"done"}
