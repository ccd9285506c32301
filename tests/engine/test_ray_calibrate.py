"""The parts of calibrating a cluster that need no cluster."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tailrace.commands.calibrate_fleet import arguments_of, calibrate_fleet, line_of
from tailrace.engine.ray_calibrate import Ended, Place, places, startable, told_of
from tailrace.errors import UsageError

from ..results.builders import calibrated_level, calibration


def node(host: str, node_id: str, cpus: float = 2.0, alive: bool = True) -> dict[str, object]:
    resources = {"CPU": cpus} if cpus else {}
    return {
        "NodeManagerHostname": host,
        "NodeID": node_id,
        "Alive": alive,
        "Resources": resources,
    }


def test_nodes_that_can_hold_a_worker_are_named_as_in_a_run() -> None:
    nodes = [node("b", "1" * 8), node("a", "2" * 8), node("a", "3" * 8)]
    found = places([*nodes, node("head", "4" * 8, 0), node("dead", "5" * 8, alive=False)])
    assert [place.name for place in found] == ["a/222222", "a/333333", "b"]


def test_two_nodes_on_a_host_go_one_after_the_other() -> None:
    first, second, other = Place("a/1", "a", "1"), Place("a/2", "a", "2"), Place("b", "b", "3")
    assert set(startable([first, second, other], set())) == {first, other}
    assert startable([second, other], {"a"}) == [other]
    assert startable([second], {"a", "b"}) == []


def test_what_a_node_tells_is_a_calibration_or_a_reason() -> None:
    made = calibration(calibrated_level(1, 50_000))
    told = told_of("a", Ended(0, orjson.dumps(made.to_dict()), ""))
    assert (told.calibration, told.problem, told.code) == (made, "", 0)
    assert line_of(told).startswith("a: TTFT ± 0.05 ms, gap ± 0.005 ms, up to 100,000 tokens/s")
    failed = told_of("a", Ended(3, b"", "timing\ntailrace: it broke\n"))
    assert (failed.calibration, failed.problem, failed.code) == (None, "it broke", 3)
    assert told_of("a", Ended(-9, b"", "")).problem == "it gave no reason"
    for out in (b"", b"{", b"[]"):
        told = told_of("a", Ended(0, out, ""))
        assert told.calibration is None
        assert told.code == 2
        assert told.problem


def test_a_node_gets_the_options_that_were_given() -> None:
    engine = {"transport": "fast", "stamps": "user", "loop": "auto"}
    assert arguments_of(True, engine)[:3] == ["--quick", "--loop", "auto"]
    assert arguments_of(False, {}) == []


def test_what_cannot_be_is_said_before_anything_is_measured() -> None:
    with pytest.raises(UsageError, match="--out is for one machine"):
        calibrate_fleet("ray", True, Path("f"), False, {})
    with pytest.raises(UsageError, match="is neither ray"):
        calibrate_fleet("kubernetes", True, None, False, {})
