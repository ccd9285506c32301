"""Runner: from a scenario to a result folder and an exit code.

The glue between the command line and the engine: event loop, display, signals, files.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from tailrace.display import Display
from tailrace.engine import host
from tailrace.engine.calibrated import known_here, street_of
from tailrace.engine.clock import Origin
from tailrace.engine.crew import Crew
from tailrace.engine.fleet import Fleet
from tailrace.engine.fleet_choice import FleetChoice
from tailrace.engine.limits import require_open_files
from tailrace.engine.loops import choose_loop
from tailrace.engine.proxies import told
from tailrace.engine.run import Run
from tailrace.engine.stop import Stop, signals_ask
from tailrace.engine.worker import SecretHeaders, Worker
from tailrace.errors import (
    EXIT_ABORTED,
    EXIT_INVALID,
    EXIT_OK,
    EXIT_SIGNAL,
    EXIT_SLO_MISSED,
    EXIT_UNREACHABLE,
)
from tailrace.lean import COLLECT_AT
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder, unique_names
from tailrace.results.limit import limit_of
from tailrace.results.lock import Lock
from tailrace.results.node_budgets import uncalibrated
from tailrace.results.render.live import Snapshot
from tailrace.results.slo_judge import missed
from tailrace.results.verdict import Verdict
from tailrace.scenarios.model import Scenario


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended, as its files say."""

    path: Path
    facts: RunFacts
    results: list[dict[str, Any]]
    verdict: Verdict

    @property
    def exit_code(self) -> int:
        """The documented codes, the most telling first."""
        if self.facts.ended == "interrupted":
            return EXIT_SIGNAL
        if self.facts.lost_workers and not self.facts.tolerates_loss:
            return EXIT_INVALID
        if self.facts.ended == "aborted":
            return EXIT_ABORTED
        if any(model.status == "failed" for model in self.facts.models):
            return EXIT_UNREACHABLE
        if not self.verdict.valid:
            return EXIT_INVALID
        if self.facts.scenario.get("search"):
            found = limit_of(self.facts.scenario, self.results[0]["stages"])["found"]
            return EXIT_OK if found else EXIT_SLO_MISSED
        return EXIT_SLO_MISSED if missed(self.results) else EXIT_OK


def run_scenario(
    scenario: Scenario,
    out: Path,
    name: str | None,
    secret_headers: SecretHeaders,
    display: Display,
    model_headers: Mapping[str, SecretHeaders] | None = None,
    options: dict[str, Any] | None = None,
    metrics_at: tuple[str, int] | None = None,
    fleet: FleetChoice | None = None,
) -> Finished:
    """Run it, write everything, close the display.

    ``model_headers`` are those of single models, by name; ``options`` are kept with the facts;
    ``metrics_at`` is host and port where the run's own metrics are served meanwhile; ``fleet`` is
    the cluster that the workers are to be on.
    Raises UsageError when this machine's limits or the folder do not allow the run.
    """
    require_open_files(scenario.most_users)
    workers = scenario.workers or max(1, host.usable_cpus() - 1)
    origin = Origin.take()
    loop_name, _ = choose_loop(scenario.loop)
    name = name or scenario.models[0]
    stamp = datetime.fromtimestamp(origin.wall_ns / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = RunFolder.create(out, stamp, name)
    facts = _facts(scenario, name, origin, loop_name, workers)
    facts.options = options or {}
    if fleet is None:  # on a cluster each node tells of itself
        facts.calibration = known_here(street_of(scenario), facts.host)
    lock = Lock(folder.path, alone=True)
    lock.share()
    try:
        sitting = Sitting(
            *(scenario, facts, folder, origin, secret_headers, model_headers or {}),
            metrics_at=metrics_at,
            fleet=fleet,
        )
        return conduct(sitting, display)
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class Sitting:
    """A run, or the rest of one, about to be done in one go."""

    scenario: Scenario
    facts: RunFacts
    folder: RunFolder
    origin: Origin
    secret_headers: SecretHeaders
    model_headers: Mapping[str, SecretHeaders]
    first_sequence: int = 0
    """Requests before it were sent in an earlier sitting."""
    metrics_at: tuple[str, int] | None = None
    """Host and port of its own metrics; None where nobody asked for them."""
    fleet: FleetChoice | None = None
    """The cluster of its workers; None is this machine."""


def conduct(sitting: Sitting, display: Display) -> Finished:
    """Do it, write everything, close the display."""
    _, loop_factory = choose_loop(sitting.scenario.loop)
    sitting.folder.write_facts(sitting.facts)

    async def main() -> None:
        stop, runs = Stop(), list[Run]()
        with signals_ask(stop):
            async with _scraped(sitting, runs, display):
                runs.append(await _run_of(sitting, stop, display))
                await _watched(runs[0], display)

    gc.freeze()  # nothing made until now is looked at again by the collector
    gc.set_threshold(*COLLECT_AT)
    try:
        anyio.run(main, backend_options={"loop_factory": loop_factory})
    finally:
        display.close()
    return Finished(sitting.folder.path, *sitting.folder.rebuild())


async def _run_of(sitting: Sitting, stop: Stop, display: Display) -> Run:
    """The run with its worker, or with as many as are wanted."""
    scenario, facts, folder = sitting.scenario, sitting.facts, sitting.folder
    origin, secret_headers, first = sitting.origin, sitting.secret_headers, sitting.first_sequence
    alone = facts.engine["workers"] == 1 and sitting.fleet is None
    worker = Worker(
        *(scenario, origin, folder, secret_headers, stop),
        part=None if alone else 0,
        first_sequence=first,
    )
    crew = None if alone else await _fleet_of(sitting, stop)
    return _kind_of_run(scenario)(
        *(worker, facts, folder, secret_headers, display, stop, crew),
        model_headers=sitting.model_headers,
    )


async def _fleet_of(sitting: Sitting, stop: Stop) -> Crew:
    """The workers beyond this process, here or on the cluster that was asked for."""
    facts, path, secret = sitting.facts, sitting.folder.path, sitting.secret_headers
    common = (sitting.scenario, sitting.origin, path, secret, stop, sitting.first_sequence)
    if sitting.fleet is None:
        return await Fleet.start(facts.engine["workers"], *common)
    from tailrace.engine.ray_fleet import start_on_ray  # brings ray

    fleet, facts.fleet = await start_on_ray(sitting.fleet, *common)
    facts.engine["workers"] = len(facts.fleet)
    facts.tolerates_loss = sitting.fleet.tolerates_loss
    return fleet


@contextlib.asynccontextmanager
async def _scraped(sitting: Sitting, runs: list[Run], display: Display) -> AsyncIterator[None]:
    """Have the run's own metrics served in this block, where they are asked for."""
    if sitting.metrics_at is None:
        yield
        return
    from tailrace.metrics_endpoint.beside import served  # no other run waits for it

    def look() -> Snapshot | None:
        return runs[0].snapshot() if runs else None

    async with served(*sitting.metrics_at, sitting.folder.path, look, display.say):
        yield


def _facts(scenario: Scenario, name: str, origin: Origin, loop_name: str, workers: int) -> RunFacts:
    folders = unique_names(scenario.models)
    machine = host.fingerprint()
    engine: dict[str, Any] = {
        "loop": loop_name,
        "transport": scenario.transport,
        "workers": workers,
    }
    if scenario.reach.proxy is not None:
        engine["proxy"] = told(scenario.urls, scenario.reach.proxy)
    if scenario.reach.needs_httpx:
        engine["transport"] = f"httpx (for {scenario.reach.needs_httpx})"
    if scenario.insecure:
        engine["tls"] = "certificates not checked (--insecure)"
    return RunFacts(
        name=name,
        started_at=origin.iso(),
        origin_wall_ns=origin.wall_ns,
        origin_perf_ns=origin.perf_ns,
        tool=host.tool(),
        host=machine,
        engine=engine,
        scenario=scenario.to_dict(),
        models=[
            ModelFacts(entry.alias, folder, tags=entry.tags)
            for entry, folder in zip(scenario.queue, folders, strict=True)
        ],
    )


def calibrate_command(scenario: Scenario) -> str:
    """The command whose calibration a run of this scenario would find."""
    stamps = "user" if scenario.base_url.startswith("https") else scenario.stamps
    options = {"transport": scenario.transport, "stamps": stamps, "loop": scenario.loop}
    given = [f" --{key} {value}" for key, value in options.items() if value not in ("fast", "auto")]
    return "tailrace calibrate" + "".join(given)


def calibrate_hint(facts: RunFacts, scenario: Scenario) -> str:
    """What would have a run of this scenario state its own error; empty where it does."""
    command = calibrate_command(scenario)
    if not facts.fleet:
        return "" if facts.calibration else f"not calibrated: run `{command}`"
    nodes = uncalibrated(facts.fleet)
    fleet = facts.options.get("fleet") or "ray"
    return f"not calibrated: {', '.join(nodes)}: run `{command} --fleet {fleet}`" if nodes else ""


def _kind_of_run(scenario: Scenario) -> type[Run]:
    if not scenario.search:
        return Run
    from tailrace.engine.limit_run import LimitRun  # no other run waits for what it imports

    return LimitRun


async def _watched(run: Run, display: Display) -> None:
    async def watch() -> None:
        while True:
            await anyio.sleep(display.interval_s)
            display.show(run.snapshot())

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await run.go()
        group.cancel_scope.cancel()
