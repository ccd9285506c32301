"""RayCalibrate: every node of a cluster calibrated by itself, with the very command.

Rule: two nodes on one host share its cores, so they go one after another; hosts go at once. What
one node cannot do is said of it, and the others go on. One without a core for workers is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tailrace.engine.child import python_path
from tailrace.engine.fleet import FleetError
from tailrace.engine.ray_actor import stand_up
from tailrace.engine.ray_fleet import entered, node_names, reason
from tailrace.errors import EXIT_UNREACHABLE, ResultError
from tailrace.results.calibration import Calibration, calibration_from_dict

_RAY: Any = ray
"""Some of its functions have no types."""
MOST_S = 300.0
"""The full form takes 90 s; the rest is for a core that another run holds."""


class Ended(NamedTuple):
    """How the command ended on a node."""

    code: int
    out: bytes
    said: str


class Told(NamedTuple):
    """What came of one node: a calibration, or why there is none and the exit code of that."""

    node: str
    calibration: Calibration | None
    problem: str = ""
    code: int = 0


class Place(NamedTuple):
    """A node that can hold a worker."""

    name: str
    host: str
    node_id: str


def calibrate_nodes(address: str | None, arguments: Sequence[str]) -> Iterator[Told]:
    """One after another as they end; raises FleetError where there is no cluster, or no core."""
    entered(address)
    try:
        waiting = places(_RAY.nodes())
        if not waiting:
            raise FleetError("no node of that cluster has a core for workers")
        running: dict[Any, Place] = {}
        while waiting or running:
            for place in startable(waiting, {each.host for each in running.values()}):
                waiting.remove(place)
                running[_started(place, arguments)] = place
            ready, _ = _RAY.wait(list(running), num_returns=1, timeout=MOST_S)
            for ref in ready or list(running):
                yield _told(running.pop(ref), ref)
    finally:
        ray.shutdown()


def places(nodes: Sequence[dict[str, Any]]) -> list[Place]:
    """Those that are alive and have a core, by name. Pure."""
    found = [each for each in nodes if each["Alive"] and each["Resources"].get("CPU", 0) >= 1]
    ids = [(str(each["NodeManagerHostname"]), str(each["NodeID"])) for each in found]
    names = node_names(ids)
    return sorted(Place(name, *of) for name, of in zip(names, ids, strict=True))


def startable(waiting: Sequence[Place], busy_hosts: set[str]) -> list[Place]:
    """The next of each host on which none is measured. Pure."""
    next_of = {place.host: place for place in reversed(waiting)}
    return [place for host, place in next_of.items() if host not in busy_hosts]


def _started(place: Place, arguments: Sequence[str]) -> Any:
    there = NodeAffinitySchedulingStrategy(place.node_id, soft=False)
    options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": there}
    return _RAY.remote(calibrate_here).options(**options).remote(list(arguments))


def calibrate_here(arguments: Sequence[str]) -> Ended:
    """On the node: the command in a process of its own, which keeps what it finds."""
    stand_up()
    command = (sys.executable, "-m", "tailrace", "calibrate", "--json", *arguments)
    env = {"OPENBLAS_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": python_path()}
    done = subprocess.run(command, capture_output=True, env=env, check=False)
    return Ended(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def _told(place: Place, ref: Any) -> Told:
    try:
        return told_of(place.name, Ended(*_RAY.get(ref, timeout=0)))
    except TimeoutError:
        _RAY.cancel(ref, force=True)
        return Told(place.name, None, f"said nothing for {MOST_S:g} s", EXIT_UNREACHABLE)
    except RayError as exc:
        return Told(place.name, None, reason(exc), EXIT_UNREACHABLE)


def told_of(node: str, ended: Ended) -> Told:
    """What the command's end means; it comes from another machine. Pure."""
    if ended.code != 0:
        last = (ended.said.strip().splitlines() or ["it gave no reason"])[-1]
        return Told(node, None, last.removeprefix("tailrace: ")[:200], ended.code)
    try:
        document = msgspec.json.decode(ended.out)
        return Told(node, calibration_from_dict(document, f"what node {node} told"))
    except (msgspec.DecodeError, ResultError) as exc:
        return Told(node, None, str(exc), ResultError.exit_code)
