"""Real nodes: the same counts as one process, exact merging, one global schedule, nothing left."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
import urllib.request
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tailrace.results.files import RunFolder
from tailrace.results.journal import JournalReader
from tailrace.results.schema import Row
from tailrace.simulate import Script, background

from ..command import MEASURED, start_tailrace, tailrace
from .two_nodes import TwoNodes, ray_env, two_nodes

pytestmark = pytest.mark.server
SCRIPT = Script(ttft_ns=60_000_000, gap_ns=10_000_000, tokens=12, jitter=0.3)
COMMON = ("-m", "sim", "--max-tokens", "12", "--warmup", "0s", "-q", "--out", ".", "--name", "r")


def held(cluster: TwoNodes, *arguments: str, cwd: Path, workers: int = 4) -> Any:
    """A run on the cluster, to its end."""
    fleet = ("--fleet", cluster.address, "--workers", str(workers))
    return tailrace("run", *arguments, *COMMON, *fleet, cwd=cwd, env=ray_env(), timeout_s=120)


def the_run(folder: Path) -> Path:
    (found,) = folder.glob("*-r")
    return found


def rows_of(folder: Path) -> list[Row]:
    journal = JournalReader(the_run(folder) / "sim" / "requests.jsonl")
    return [row for row in journal if row.stage >= 0]


def left_behind() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("tailrace-*")}


def test_512_users_on_two_nodes_count_and_merge_like_one_process(
    cluster: TwoNodes, tmp_path: Path
) -> None:
    before = left_behind()
    (tmp_path / "one").mkdir()
    script = Script(ttft_ns=900_000_000, gap_ns=60_000_000, tokens=12, jitter=0.3)
    asked = ("-c", "512", "-n", "1024", "--seed", "5")
    with background(script) as url:
        done = held(cluster, "--url", url, *asked, cwd=tmp_path)
        assert done.returncode in MEASURED, done.stderr
        alone = tailrace("run", "--url", url, *asked, *COMMON, cwd=tmp_path / "one")
        assert alone.returncode in MEASURED, alone.stderr
    facts, (result,), _ = RunFolder(the_run(tmp_path)).rebuild()
    _, (single,), _ = RunFolder(the_run(tmp_path / "one")).rebuild()
    (stage,), (lone,) = result["stages"], single["stages"]
    assert stage["counts"] == lone["counts"]
    assert stage["counts"]["measured"]["ok"] == 1024
    rows = rows_of(tmp_path)
    assert len({row.id for row in rows}) == 1024
    assert {row.user for row in rows} == set(range(512))
    ttfts = np.array([row.first_output_ns - row.sent_ns for row in rows], dtype=np.int64)
    for name, percent in (("p50", 50), ("p90", 90), ("p99", 99)):
        pooled = np.percentile(ttfts, percent, method="inverted_cdf")
        found = stage["metrics"]["ttft"]["percentiles"][name]["value_ns"]
        assert pooled <= found <= pooled * 1.001 + 1
    parts = facts.models[0].stages[0].parts
    assert [part.books.ok for part in parts] == [256] * 4
    assert len({part.node for part in parts}) == 2
    assert all(abs(p.clock.offset_ns) <= p.clock.uncertainty_ns for p in parts if p.clock)
    assert [each["worker"] for each in facts.fleet] == [1, 2, 3, 4]
    if os.getuid() == 0:  # only root can take back what Ray gives its workers
        assert {each["machine"]["nice"] for each in facts.fleet} == {0}
    assert "## Nodes" in (the_run(tmp_path) / "report.md").read_text(encoding="utf-8")
    assert left_behind() == before


def test_arrivals_of_all_nodes_are_one_poisson_process(cluster: TwoNodes, tmp_path: Path) -> None:
    with background(SCRIPT) as url:
        arrival = ("--rate", "120", "--arrival", "poisson", "--duration", "6s")
        done = held(cluster, "--url", url, *arrival, cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    facts, _, _ = RunFolder(the_run(tmp_path)).rebuild()
    (stage,) = facts.models[0].stages
    assert stage.arrivals is not None
    assert stage.arrivals["n"] == stage.books.planned == len(rows_of(tmp_path))
    assert stage.arrivals["ks_p"] > 1e-4
    assert 0.6 < stage.arrivals["dispersion"] < 1.6
    assert len({part.node for part in stage.parts}) == 2


def test_a_scenario_file_with_its_own_files_runs_here_and_there(
    cluster: TwoNodes, tmp_path: Path
) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "weir"}\n{"prompt": "sluice"}\n')
    (tmp_path / "load.toml").write_text(
        'concurrency = "4"\nrequests = 16\nprompts = "prompts.jsonl"\ndeterministic = true\n'
    )
    asked = {}
    with background(SCRIPT) as url:
        for place, address in (("here", ""), ("there", cluster.address), ("far", cluster.client)):
            more = ("--out", place, "--url", url, "-m", "sim", "-q", "--max-tokens", "12")
            if address:
                more += ("--fleet", address, "--workers", "2")
            done = tailrace("run", "load.toml", *more, cwd=tmp_path, env=ray_env(), timeout_s=180)
            assert done.returncode in MEASURED, done.stderr
            (folder,) = (tmp_path / place).iterdir()
            journal = JournalReader(folder / "sim" / "requests.jsonl")
            asked[place] = sorted(str(row.asked_hash) for row in journal)
    assert asked["here"] == asked["there"] == asked["far"]


def test_ctrl_c_drains_everywhere(cluster: TwoNodes, tmp_path: Path) -> None:
    with background(SCRIPT) as url:
        fleet = ("--fleet", cluster.address, "--workers", "2")
        asked = ("--url", url, "-c", "8", "--duration", "60s")
        running = start_tailrace("run", *asked, *COMMON, *fleet, cwd=tmp_path, env=ray_env())
        wait_for_rows(tmp_path, 20)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
        seen = truth(url)
    assert running.returncode == 130, said
    facts, (result,), _ = RunFolder(the_run(tmp_path)).rebuild()
    journal = result["stages"][0]["counts"]["journal"]
    assert journal["cancelled"] == journal["censored"] == 0
    assert len(rows_of(tmp_path)) == len(seen) - 1  # but for the cold one
    assert facts.ended == "interrupted"


def truth(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/truth", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["requests"]
    return found


def done_by(url: str, workers: Collection[int], of: int) -> set[str]:
    """What the endpoint answered to the end, of requests of these workers; each counts in steps."""
    done = [each["id"] for each in truth(url) if each["end"] == "done"]
    asked = [each for each in done if not each.endswith("-cold")]
    return {each for each in asked if int(each.rpartition("-")[2]) % of + 1 in workers}


def wait_for_rows(folder: Path, rows: int, within_s: float = 60) -> None:
    until_s = time.monotonic() + within_s
    while sum(f.read_bytes().count(b"\n") for f in folder.glob("*-r/sim/requests.*.jsonl")) < rows:
        assert time.monotonic() < until_s
        time.sleep(0.05)


@pytest.mark.parametrize("tolerated", [False, True], ids=["invalid", "tolerated"])
def test_a_node_that_dies_is_named_and_the_rest_is_kept(tmp_path: Path, tolerated: bool) -> None:
    with two_nodes(tmp_path) as nodes, background(SCRIPT) as url:
        fleet = ("--fleet", nodes.address, "--workers", "4")
        more = ("--tolerate-loss",) if tolerated else ()
        asked = ("--url", url, "-c", "8,4", "--duration", "8s" if tolerated else "60s")
        running = start_tailrace("run", *asked, *COMMON, *fleet, *more, cwd=tmp_path, env=ray_env())
        wait_for_rows(tmp_path, 40)
        nodes.kill_beside()
        struck_s = time.monotonic()
        out, said = running.communicate(timeout=90)
        took_s = time.monotonic() - struck_s
        at_end = {number: done_by(url, [number], of=4) for number in range(1, 5)}
    facts, (result,), verdict = RunFolder(the_run(tmp_path)).rebuild()
    lost = facts.lost_workers
    gone = {part["worker"] for part in facts.fleet if any(part["node"] in one for one in lost)}
    assert len(gone) == 2
    levels = 2 if tolerated else 1
    assert len(lost) == 2 * levels, (lost, said)
    assert len(result["stages"]) == levels
    kept = [row.id for row in rows_of(tmp_path)]
    assert len(kept) == len(set(kept))
    for worker, done in at_end.items():
        assert len(done) > 5
        if worker not in gone:
            assert done <= set(kept)
    if tolerated:
        assert running.returncode in MEASURED, out + said
        assert any("a worker was lost" in note for note in verdict.notes)
        assert not any("lost" in reason for reason in verdict.reasons)
    else:
        assert running.returncode == 11
        assert took_s < 15
        assert any("a worker was lost" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fleet", "127.0.0.1:9"), "no Ray cluster answers there"),
        (("--fleet", "kubernetes"), "--fleet 'kubernetes' is neither ray"),
        (("--tolerate-loss",), "name one with --fleet"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    asked = ("run", "--url", "http://127.0.0.1:9/v1", "-c", "1", "-n", "1", *COMMON)
    done = tailrace(*asked, *options, cwd=tmp_path, env=ray_env(), timeout_s=180)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_room_is_one_sentence(cluster: TwoNodes, tmp_path: Path) -> None:
    asked = ("--url", "http://127.0.0.1:9/v1", "-c", "1", "-n", "1")
    done = held(cluster, *asked, cwd=tmp_path, workers=40)
    assert done.returncode == 2, done.stderr
    assert "no room for 40 workers (spread): 4 of 4 cores are free on 2 nodes" in done.stderr
