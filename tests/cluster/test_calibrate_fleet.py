"""``tailrace calibrate --fleet`` measures each real node, and a run finds what it kept there."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tailrace.cache import read_calibration

from ..command import tailrace
from .two_nodes import TwoNodes, ray_env

pytestmark = pytest.mark.server


def test_each_node_is_measured_and_keeps_its_own(cluster: TwoNodes, tmp_path: Path) -> None:
    before = set(cluster.cache.glob("calibration-*"))
    asked = ("calibrate", "--quick", "--fleet", cluster.address, "--json")
    done = tailrace(*asked, cwd=tmp_path, env=ray_env(), timeout_s=240)
    kept = set(cluster.cache.glob("calibration-*")) - before
    try:
        assert done.returncode == 0, done.stderr
        told = orjson.loads(done.stdout)
        assert len({each["node"] for each in told}) == 2
        assert {each["error"] for each in told} == {None}
        there = sorted(read_calibration(path).created_at for path in kept)
        assert there == sorted(each["calibration"]["created_at"] for each in told)
    finally:
        for path in kept:
            path.unlink()
