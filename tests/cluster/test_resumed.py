"""A run that was broken off goes on with workers on real nodes, and asks nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.results.files import RunFolder
from tailrace.simulate import background

from ..command import MEASURED, start_tailrace, tailrace
from .test_cluster import COMMON, SCRIPT, rows_of, the_run, truth, wait_for_rows
from .two_nodes import TwoNodes, ray_env

pytestmark = pytest.mark.server
REQUESTS = 120


def test_it_goes_on_there_and_only_there(cluster: TwoNodes, tmp_path: Path) -> None:
    with background(SCRIPT) as url:
        asked = ("--url", url, "-c", "4,8", "-n", str(REQUESTS), "-w", "2")
        running = start_tailrace("run", *asked, *COMMON, cwd=tmp_path, env=ray_env())
        wait_for_rows(tmp_path, REQUESTS + 20)  # in the second level
        running.kill()
        running.communicate()
        run = str(the_run(tmp_path))
        again = ("run", "--resume", run, "-q")
        there = ("--fleet", cluster.address, "--workers", "3")
        done = tailrace(*again, *there, cwd=tmp_path, env=ray_env(), timeout_s=120)
        assert done.returncode in MEASURED, done.stderr
        sent = [each["id"] for each in truth(url)]
    assert len(sent) == len(set(sent))
    facts, (result,), _ = RunFolder(Path(run)).rebuild()
    here, far = facts.models[0].stages
    assert [bool(part.node) for part in (*here.parts, *far.parts)] == [False] * 2 + [True] * 3
    assert [stage["counts"]["measured"]["ok"] for stage in result["stages"]] == [REQUESTS] * 2
    rows = rows_of(tmp_path)
    numbers = sorted(int(row.id.rpartition("-")[2]) for row in rows)
    assert numbers == list(range(numbers[0], numbers[0] + 2 * REQUESTS))
    assert [each["worker"] for each in facts.fleet] == [1, 2, 3]
    assert facts.resumptions[0].fleet == []
    assert facts.engine["workers"] == 3


def test_one_that_had_its_workers_there_does_not_go_on_here(tmp_path: Path) -> None:
    asked = ("--url", "http://127.0.0.1:9/v1", "-c", "1", "-n", "1")
    tailrace("run", *asked, *COMMON, cwd=tmp_path)
    folder = RunFolder(the_run(tmp_path))
    facts = folder.read_facts()
    facts.ended, facts.fleet = "interrupted", [{"worker": 1, "node": "a"}]
    folder.write_facts(facts)
    before = (folder.path / "run.json").read_bytes()
    done = tailrace("run", "--resume", str(folder.path), cwd=tmp_path)
    assert done.returncode == 2
    assert "had its workers on a cluster" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert (folder.path / "run.json").read_bytes() == before
