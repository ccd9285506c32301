"""The link between two nodes is cut in the middle of a level, for good or for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.engine.ray_line import SILENT_S
from tailrace.results.files import RunFolder

from ..command import MEASURED, start_tailrace
from ..network.namespace import HERE, serving, why_not
from .far_node import FAR, FAR_ENV, Apart, far_node
from .test_cluster import COMMON, done_by, rows_of, the_run, wait_for_rows

pytestmark = pytest.mark.server


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    if reason := why_not():
        pytest.skip(reason)
    with far_node(tmp_path) as nodes:
        yield nodes


@pytest.fixture
def url(apart: Apart) -> Iterator[str]:
    """An endpoint that both nodes reach, at the head's end of the cable."""
    with serving(HERE, "--ttft", "60ms", "--gap", "10ms", "--tokens", "12") as port:
        yield f"http://{HERE}:{port}/v1"


def test_a_node_behind_a_cut_link_is_named_and_the_rest_is_kept(
    apart: Apart, url: str, tmp_path: Path
) -> None:
    fleet = ("--fleet", apart.address, "--workers", "4")
    asked = ("run", "--url", url, "-c", "8,4", "--duration", "120s")
    running = start_tailrace(*asked, *COMMON, *fleet, cwd=tmp_path, env=FAR_ENV)
    wait_for_rows(tmp_path, 40)
    apart.pull()
    pulled_s = time.monotonic()
    _, said = running.communicate(timeout=100)
    took_s = time.monotonic() - pulled_s
    assert running.returncode == 11, said
    assert SILENT_S < took_s < SILENT_S + 15
    facts, (result,), verdict = RunFolder(the_run(tmp_path)).rebuild()
    near = [part["worker"] for part in facts.fleet if part["node"] != FAR]
    far = [part["worker"] for part in facts.fleet if part["node"] == FAR]
    assert len(near) == len(far) == 2
    for worker in far:
        silence = f"worker {worker} on {FAR} said nothing for {SILENT_S:g} s"
        assert any(silence in reason for reason in verdict.reasons), verdict.reasons
    assert len(facts.lost_workers) == 2
    assert len(result["stages"]) == 1
    kept = [row.id for row in rows_of(tmp_path)]
    assert len(kept) == len(set(kept))
    finished = done_by(url, near, of=4)
    assert len(finished) > 40
    assert finished <= set(kept)


def test_a_link_that_heals_in_time_costs_nothing(apart: Apart, url: str, tmp_path: Path) -> None:
    fleet = ("--fleet", apart.address, "--workers", "4")
    asked = ("run", "--url", url, "-c", "8", "--duration", "15s")
    running = start_tailrace(*asked, *COMMON, *fleet, cwd=tmp_path, env=FAR_ENV)
    wait_for_rows(tmp_path, 40)
    apart.pull()
    time.sleep(3)
    apart.plug()
    _, said = running.communicate(timeout=100)
    assert running.returncode in MEASURED, said
    facts, (result,), _ = RunFolder(the_run(tmp_path)).rebuild()
    assert facts.lost_workers == []
    assert facts.ended == "complete"
    rows = rows_of(tmp_path)
    kept = [row.id for row in rows]
    assert len(kept) == len(set(kept))
    assert done_by(url, [1, 2, 3, 4], of=4) <= set(kept)
    assert {row.outcome for row in rows} == {"ok"}
    waits_ns = [row.first_output_ns - row.sent_ns for row in rows]
    waits_ns += [gap_ns for row in rows for gap_ns in row.gaps_ns]
    assert max(waits_ns) > 2e9  # the cut is in what was measured on the far node
    (stage,) = result["stages"]
    assert {part.node for part in facts.models[0].stages[0].parts} > {FAR}
    assert stage["counts"]["journal"]["ok"] == len(kept)
