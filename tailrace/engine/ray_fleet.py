"""RayFleet: a crew whose workers are spread over the nodes of a Ray cluster.

Each worker is an actor with a core of its own (``ray_actor.py``) and behind it the same process as
on one machine; from there on it is the same ``Fleet``. What is different: files go with the
scenario, clocks are compared before every level, rows come back in batches.

Rule: a cluster that does not fit is refused in one sentence before any load: no room, other
versions, a URL that means another machine on every node. Nothing is waited for without an end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import ray
from ray.exceptions import RayError
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from tailrace.engine import host
from tailrace.engine.calibrated import street_of
from tailrace.engine.carried import carried
from tailrace.engine.clock import Origin
from tailrace.engine.fleet import START_S, Fleet, FleetError
from tailrace.engine.fleet_choice import FleetChoice
from tailrace.engine.hand import Hand
from tailrace.engine.ray_actor import RayWorker
from tailrace.engine.ray_line import RayLine
from tailrace.engine.stop import Stop
from tailrace.engine.tls import password_of
from tailrace.engine.worker import SecretHeaders
from tailrace.scenarios.model import Scenario

_RAY: Any = ray
"""Some of its functions have no types."""
LEAD_NS = 1_000_000_000
"""A word to a node takes milliseconds, and some must reach hundreds of workers."""
ROOM_S = 20.0
KNOCK_S = 5.0
_STRATEGIES = {"spread": "SPREAD", "strict-spread": "STRICT_SPREAD", "pack": "PACK"}


class Cluster:
    """A connection to a cluster, with room for the workers of one run."""

    def __init__(self, choice: FleetChoice, workers: int) -> None:
        """Raises FleetError where there is no cluster, or no room in it."""
        where = entered(choice.address)
        self.workers = workers or max(1, int(_RAY.cluster_resources().get("CPU", 1)))
        cores = int(_RAY.cluster_resources().get("CPU", 0))
        self._group = placement_group(
            [{"CPU": 1}] * self.workers, strategy=_STRATEGIES[choice.placement]
        )
        if cores < self.workers or not self._group.wait(ROOM_S):
            cpus = int(_RAY.available_resources().get("CPU", 0))
            nodes = len([node for node in _RAY.nodes() if node["Alive"]])
            self.leave()
            raise FleetError(
                f"{where}: no room for {self.workers} workers ({choice.placement}): {cpus} of "
                f"{cores} cores are free on {nodes} nodes, and each takes one; lower --workers, "
                "add nodes, or choose another --fleet-placement"
            )

    def actor(self, number: int) -> Any:
        """A new actor in its place; ``number`` counts from 1."""
        strategy = PlacementGroupSchedulingStrategy(
            self._group, placement_group_bundle_index=number - 1
        )
        return ray.remote(RayWorker).options(num_cpus=1, scheduling_strategy=strategy).remote()

    def leave(self) -> None:
        """Give the room back and disconnect."""
        with contextlib.suppress(RayError, ValueError):
            remove_placement_group(self._group)
        ray.shutdown()


def entered(address: str | None) -> str:
    """Connect, and tell what the cluster is called in a sentence; raises FleetError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = "--fleet ray" if address is None else f"--fleet {address}"
    try:
        _require_listener(address)
        join(address or "auto")
    except ImportError as exc:
        raise FleetError(f"{where}: {exc}; pip install 'tailrace[ray]' brings it") from None
    except (OSError, RayError, RuntimeError, ValueError) as exc:
        raise FleetError(
            f"{where}: no Ray cluster answers there ({reason(exc)}); start "
            "one with `ray start --head`, or name it: --fleet ray://HOST:10001"
        ) from None
    return where


def _require_listener(address: str | None) -> None:
    """Ray itself would knock for a minute, and log it; raises OSError."""
    if address is None:
        return
    name, _, port = address.removeprefix("ray://").rpartition(":")
    with socket.create_connection((name, int(port)), KNOCK_S):
        pass


def join(address: str) -> None:
    """A head starts a server for each ``ray://`` client; if too busy to, it is asked once more."""
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionAbortedError:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)


def reason(error: Exception) -> str:
    """A traceback from the head has its reason at its end, all other errors at their beginning."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return (lines[-1] if "Traceback" in str(error) else lines[0])[:200]


class RayFleet(Fleet):
    """See crew.Crew."""

    cluster: Cluster

    async def aclose(self) -> None:
        """See Crew.aclose."""
        await super().aclose()
        await asyncio.to_thread(self.cluster.leave)


async def start_on_ray(
    choice: FleetChoice,
    scenario: Scenario,
    origin: Origin,
    folder: Path,
    secret_headers: SecretHeaders,
    stop: Stop,
    first_sequence: int = 0,
) -> tuple[RayFleet, list[dict[str, Any]]]:
    """Start the workers, and tell where each is; raises FleetError when that cannot be."""
    cluster = await asyncio.to_thread(Cluster, choice, scenario.workers)
    hands: list[Hand] = []
    try:
        actors = [cluster.actor(number) for number in range(1, cluster.workers + 1)]
        street = street_of(scenario)
        abouts = await _asked([actor.about.remote(street) for actor in actors])
        nodes = node_names([(about.pop("host"), about.pop("node")) for about in abouts])
        _require_same(nodes, abouts)
        require_reachable(scenario, [node.partition("/")[0] for node in nodes])
        told, files = carried(scenario)
        orders = {
            "scenario": told,
            "origin": [origin.perf_ns, origin.wall_ns],
            "secret_headers": secret_headers,
            "client_key_password": password_of(scenario),
            "first_sequence": first_sequence,
        }
        await _begun(actors, orders, files, folder.name)
        lines = [RayLine(actor, node, folder) for actor, node in zip(actors, nodes, strict=True)]
        hands = [Hand(number, line, stop) for number, line in enumerate(lines, 1)]
        await _ready(hands)
    except BaseException:
        await asyncio.gather(*(hand.aclose() for hand in hands))  # leaves no keys on the nodes
        await asyncio.to_thread(cluster.leave)
        raise
    fleet = RayFleet(scenario, origin, hands, stop, LEAD_NS, choice.tolerates_loss)
    fleet.cluster = cluster
    return fleet, fleet_facts(nodes, abouts)


def fleet_facts(nodes: Sequence[str], abouts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where each worker is, as ``RunFacts.fleet`` says it: a calibration once a node. Pure."""
    told, said = [], set[str]()
    for number, (node, about) in enumerate(zip(nodes, abouts, strict=True), 1):
        told.append({"worker": number, "node": node, "machine": about["machine"]})
        if node not in said and about["calibration"] is not None:
            told[-1]["calibration"] = about["calibration"]
        said.add(node)
    return told


async def _begun(
    actors: Sequence[Any], orders: dict[str, Any], files: dict[str, bytes], name: str
) -> None:
    """Have every actor start its worker; the files go to each node once."""
    held = ray.put(files)
    starts = []
    for place, actor in enumerate(actors):
        ordered = msgspec.json.encode(orders | {"share": [place, len(actors)]})
        starts.append(actor.start.remote(ordered, held, name))
    await _asked(starts)


async def _ready(hands: Sequence[Hand]) -> None:
    for hand in hands:
        if await hand.answer(START_S) is None:
            raise FleetError(f"the workers cannot start: {hand.lost}")


async def _asked(refs: Sequence[Any]) -> list[Any]:
    """The answers of all actors; raises FleetError when one has none."""
    try:
        async with asyncio.timeout(START_S):
            return list(await asyncio.gather(*refs))
    except TimeoutError:
        raise FleetError(f"the workers cannot start: no answer in {START_S:g} s") from None
    except RayError as exc:
        why = str(exc).strip().splitlines()[-1][:200]
        raise FleetError(
            f"the workers cannot start: {why}; every node needs `pip install tailrace[ray]`"
        ) from None


def node_names(found: Sequence[tuple[str, str]]) -> list[str]:
    """A name for each (host, node id): the host's, and more where it has several nodes. Pure."""
    nodes_of: dict[str, set[str]] = {}
    for name, node in found:
        nodes_of.setdefault(name, set()).add(node)
    return [name if len(nodes_of[name]) == 1 else f"{name}/{node[:6]}" for name, node in found]


def _require_same(names: Sequence[str], abouts: Sequence[dict[str, Any]]) -> None:
    mine = host.tool()
    for name, about in zip(names, abouts, strict=True):
        apart = skew(mine, about["tool"])
        if apart:
            raise FleetError(
                f"node {name} has other versions than this machine ({', '.join(apart)}): install "
                "the same everywhere, or the workers do not measure alike"
            )


def skew(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What differs, as ``numpy 2.0 instead of 2.1``. Pure."""
    found = []
    pairs = [(name, mine[name], theirs[name]) for name in ("version", "python")]
    packages = sorted({*mine["packages"], *theirs["packages"]})
    pairs += [(name, *(each["packages"].get(name) for each in (mine, theirs))) for name in packages]
    for name, here, there in pairs:
        if here != there:
            found.append(f"{name} {there or 'missing'} instead of {here or 'none'}")
    return found


def require_reachable(scenario: Scenario, names: Sequence[str]) -> None:
    """A loopback address is another machine on each node."""
    from tailrace.engine.server_process import is_loopback  # brings psutil

    if len(set(names)) == 1:
        return
    for url in scenario.urls:
        if is_loopback(url):
            raise FleetError(
                f"{url} is each node's own machine, and the workers are on {len(set(names))}; name "
                "the server by an address that all nodes reach"
            )
