"""The limit of an endpoint whose limit is known: as many users as it has slots wait for none.

With one user more than slots, each request waits for the next answer to end, which is an eighth of
an answer's time on average, and the TTFT at p90 is far over the limit.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from ..command import MEASURED, tailrace

pytestmark = pytest.mark.realtime

SLOTS = 8


@pytest.mark.parametrize("seed", [1, 2])
def test_the_slots_lie_within_the_interval(tmp_path: Path, seed: int) -> None:
    script = Script(
        ttft_ns=40_000_000, gap_ns=8_000_000, tokens=12, slots=SLOTS, jitter=0.1, seed=seed
    )
    with background(script) as url:
        done = tailrace(
            *("find-limit", "--url", url, "-m", "sim", "--users", "1..64", "-q"),
            *("--slo", "ttft:p90<50ms", "--probe-duration", "2s", "--warmup", "500ms"),
            cwd=tmp_path,
            timeout_s=180,
        )
    assert done.returncode in MEASURED, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    found = json.loads((run / "limit.json").read_text(encoding="utf-8"))
    assert found["low"] <= SLOTS <= found["high"], found["answer"]
    assert found["high"] - found["low"] <= SLOTS
    assert len(found["probes"]) <= 12
