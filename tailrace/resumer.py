"""Resumer: goes on with a run that was killed or interrupted, in its own folder.

Everything that says what to run comes from ``run.json``; only secrets come again from outside. The
new sitting's times go on along the run's one axis: its own zero is placed so that the wall clock
decides how long the break was, and after the last time that the journals hold in any case. Every
figure is a difference within one sitting, so nothing but times of day depends on the wall clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from tailrace.display import Display
from tailrace.engine import host
from tailrace.engine.clock import Origin
from tailrace.engine.fleet_choice import FleetChoice
from tailrace.engine.limits import require_open_files
from tailrace.engine.worker import SecretHeaders
from tailrace.errors import ResultError
from tailrace.results.facts import Resumption, RunFacts
from tailrace.results.files import RunFolder
from tailrace.results.lock import Lock
from tailrace.results.repair import Found, make_parts, mend_journals
from tailrace.results.resume import go_on, last_ns, require_place, require_resumable, set_aside
from tailrace.runner import Finished, Sitting, conduct
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.sources import source_of

PAUSE_NS = 1_000_000_000
"""The least that a new sitting is put behind the one before, whatever the wall clock says."""
_SAME_MACHINE = ("cpu", "cpus", "system", "machine")


def scenario_of(facts: RunFacts, where: str) -> Scenario:
    """The scenario that ``run.json`` keeps; raises ResultError when it is none."""
    try:
        return msgspec.convert(facts.scenario, Scenario)
    except msgspec.ValidationError as exc:
        raise ResultError(f"{where} does not hold a scenario that can be run: {exc}") from None


def resume(
    folder: RunFolder,
    facts: RunFacts,
    secret_headers: SecretHeaders,
    model_headers: Mapping[str, SecretHeaders],
    display: Display,
    metrics_at: tuple[str, int] | None = None,
    fleet: FleetChoice | None = None,
    workers: int | None = None,
) -> Finished:
    """Run what is left of a run that has not finished; see run_scenario for ``metrics_at``.

    On a cluster it goes on with ``workers`` where that is told, else with as many as it had asked.
    Raises UsageError when it may not be resumed, or another process is still at it.
    """
    where = repr(str(folder.path))
    scenario = scenario_of(facts, where)
    if workers is not None:
        scenario = replace(scenario, workers=workers)
    source_of(scenario)  # raises when what it asks has changed
    require_open_files(scenario.most_users)
    lock = Lock(folder.path, alone=True)
    try:
        facts = folder.read_facts()  # as its last writer left them
        require_resumable(facts, where)
        require_place(facts, fleet is not None, where)
        alone = _note_place(facts, scenario.workers, fleet)
        set_aside(facts)
        found = mend_journals(folder, facts)
        origin = _go_on(facts, found)
        folder.write_facts(facts)
        if not alone:
            make_parts(folder, facts)
        lock.share()
        sitting = Sitting(
            *(scenario, facts, folder, origin, secret_headers, model_headers),
            first_sequence=first_sequence(facts, found, alone),
            metrics_at=metrics_at,
            fleet=fleet,
        )
        return conduct(sitting, display)
    finally:
        lock.release()


def _note_place(facts: RunFacts, workers: int, fleet: FleetChoice | None) -> bool:
    """Note where the run goes on; tells whether that is in this process alone."""
    facts.scenario["workers"] = workers
    if fleet is not None:
        facts.options["fleet"] = fleet.address or "ray"
    return fleet is None and bool(facts.engine["workers"] == 1)


def _go_on(facts: RunFacts, found: Found) -> Origin:
    """Note the new sitting; returns the run's origin as this sitting's clocks see it."""
    now = Origin.take()
    at_ns = max(now.wall_ns - facts.origin_wall_ns, found.last_ns + PAUSE_NS)
    at_ns = max(at_ns, last_ns(facts) + PAUSE_NS)
    machine = host.fingerprint()
    go_on(
        facts,
        Resumption(
            sitting=facts.sitting + 1,
            started_at=now.iso(),
            at_ns=at_ns,
            origin_wall_ns=now.wall_ns,
            origin_perf_ns=now.perf_ns - at_ns,
            after="",
            host=machine if _other_machine(machine, facts.host) else {},
        ),
    )
    return Origin(now.perf_ns - at_ns, facts.origin_wall_ns)


def first_sequence(facts: RunFacts, found: Found, alone: bool) -> int:
    """So that the next level asks just what it would have asked without the break.

    In the middle of a model the cold request comes once more, and takes a number where the process
    that sends it is ``alone`` and holds the levels as well.
    """
    following = next((model for model in facts.models if model.status == "running"), None)
    if following is None:
        return 0
    first = max(found.next_sequence.values(), default=0)
    if facts.scenario.get("deterministic"):  # whose numbers begin anew with each model
        first = found.next_sequence.get(following.folder, 0)
    again = 1 + len(facts.scenario.get("reach", {}).get("more_urls", ()))
    return first - again * (bool(following.stages) and alone)


def _other_machine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return any(one.get(key) != other.get(key) for key in _SAME_MACHINE)
