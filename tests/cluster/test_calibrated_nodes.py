"""A run on real nodes says how far off its figures may be, by what each node knows of itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tailrace.cache import calibration_path, write_calibration
from tailrace.engine import host
from tailrace.engine.loops import choose_loop
from tailrace.results.files import RunFolder
from tailrace.simulate import background

from ..command import MEASURED
from ..results.builders import calibrated_level, calibration
from .test_cluster import SCRIPT, held, the_run
from .two_nodes import TwoNodes

pytestmark = pytest.mark.server


def test_what_lies_in_the_cache_of_a_node_bounds_the_run(cluster: TwoNodes, tmp_path: Path) -> None:
    engine = {"loop": choose_loop("auto")[0], "transport": "fast", "stamps": "kernel receive"}
    levels = (calibrated_level(2, 30_000), calibrated_level(64, 70_000))
    kept = calibration(*levels, host=host.fingerprint(), engine=engine)
    path = calibration_path("20261101T000000Z", cluster.cache)
    write_calibration(kept, path)
    try:
        with background(SCRIPT) as url:
            done = held(cluster, "--url", url, "-c", "8", "-n", "32", cwd=tmp_path, workers=2)
    finally:
        os.unlink(path)
    assert done.returncode in MEASURED, done.stderr
    facts, (result,), _ = RunFolder(the_run(tmp_path)).rebuild()
    assert facts.calibration is None
    assert [each["calibration"] for each in facts.fleet] == [kept.to_dict()] * 2
    nodes = sorted(each["node"] for each in facts.fleet)
    budget = result["stages"][0]["error_budget"]
    assert budget["node"] in nodes
    assert budget["uncalibrated"] == []
    assert [each["node"] for each in budget["nodes"]] == nodes
    assert {each["budget"]["streams"] for each in budget["nodes"]} == {64}  # of four users each
    report = (the_run(tmp_path) / "report.md").read_text(encoding="utf-8")
    assert f"(node {budget['node']}, calibrated 2026-11-25" in report
