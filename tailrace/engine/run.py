"""Run: models one after another, each through its levels; facts and journals on the way.

A model that fails its cold request is kept as a row with its error and the rest go on. Everything
measured is on disk before the next thing starts; the caller then rebuilds the derived files.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Sequence
from typing import Protocol

import anyio
import httpx

from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.dialects.delta import Dialect
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import Timeouts, WireError
from tailrace.engine.ledger import Ledger
from tailrace.engine.load import (
    WHOLE,
    arrivals_found,
    bounds_of,
    connections_ahead,
    scheduler_of,
)
from tailrace.engine.outgoing import Outgoing
from tailrace.engine.probe import advice, list_models
from tailrace.engine.progress import Live, stage_line, take_snapshot
from tailrace.engine.pulse import Pulse
from tailrace.engine.recorder import Recorder
from tailrace.engine.request import Attempt
from tailrace.engine.scheduler import Bounds, Start
from tailrace.engine.stop import Stop
from tailrace.engine.wire import FastTransport, Wire
from tailrace.engine.wire_httpx import HttpxWire
from tailrace.results.facts import Books, ModelFacts, RunFacts, StageFacts
from tailrace.results.files import Journal, RunFolder
from tailrace.results.render.live import Snapshot
from tailrace.results.schema import Row
from tailrace.results.tally import Tally
from tailrace.scenarios.model import Level, Scenario

HABIT_S = 0.05
"""Pause after the cold request, in which the wire learns whether the server keeps connections."""

LEAD_NS = 10_000_000
"""From making a level ready to its first request, so that none is late from the start."""

SecretHeaders = Sequence[tuple[str, str]]


class Observer(Protocol):
    """Who watches a run; called between awaits, so it must be quick."""

    def say(self, text: str) -> None:
        """Something happened that is worth a line."""
        ...


class Sending:
    """An Attempt bound to its wire and request, as the scheduler wants it."""

    __slots__ = ("_attempt", "_request", "_wire", "cut", "row")

    def __init__(self, attempt: Attempt, wire: Wire, request: httpx.Request) -> None:
        self._attempt = attempt
        self._wire = wire
        self._request = request
        self.cut = attempt.cut
        self.row = attempt.row

    async def perform(self) -> Row:
        """Send it; see Attempt.perform."""
        return await self._attempt.perform(self._wire, self._request)


class Run:
    """One run of a scenario into a folder."""

    def __init__(
        self,
        scenario: Scenario,
        facts: RunFacts,
        folder: RunFolder,
        origin: Origin,
        secret_headers: SecretHeaders,
        observer: Observer,
        stop: Stop,
    ) -> None:
        self._scenario = scenario
        self.facts = facts
        self._folder = folder
        self._origin = origin
        self._secret_headers = secret_headers
        self._observer = observer
        self._stop = stop
        self._wire = make_wire(scenario)
        self._dialect: Dialect = OpenAIChat()
        self._sequence = 0
        self._live: Live | None = None

    async def go(self) -> RunFacts:
        """Run it all; returns the facts, which are on disk as well."""
        self._pulse = Pulse(asyncio.get_running_loop())
        try:
            for model in self.facts.models:
                if self._stop.level:
                    model.status = "skipped"
                    continue
                await self._run_model(model)
        finally:
            await self._wire.aclose()
            self.facts.ended = "interrupted" if self._stop.level else "complete"
            if self._stop.reason is not None:
                self.facts.ended, self.facts.abort_reason = "aborted", self._stop.reason
            self._folder.write_facts(self.facts)
        return self.facts

    async def _run_model(self, model: ModelFacts) -> None:
        outgoing = Outgoing(self._scenario, model.model, self._dialect, self._secret_headers)
        journal = self._folder.open_journal(model.folder)
        try:
            if not await self._warm(model, outgoing, journal):
                return
            for index, level in enumerate(self._scenario.levels):
                if self._stop.level:
                    break
                await self._run_level(model, index, level, outgoing, journal)
            ended_ok = any(stage.books.ok for stage in model.stages)
            if self._stop.level:
                model.status = "interrupted"
            elif ended_ok:
                model.status = "ok"
            else:
                model.status, model.error_class = "failed", "no_success"
                model.error = "no request ended ok; see errors by class"
        finally:
            journal.close()
            self._folder.write_facts(self.facts)

    async def _warm(self, model: ModelFacts, outgoing: Outgoing, journal: Journal) -> bool:
        """The cold request; on failure the model is marked and the reason said."""
        row = Row(f"{model.folder}-cold", -1, 0, "cold", self._origin.since(now_ns()))
        attempt = Attempt(row, self._dialect, self._origin.perf_ns)
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await self._stop.wait(1)
                group.cancel_scope.cancel()

            group.start_soon(give_up)
            await attempt.perform(self._wire, outgoing.request(self._next(), row.id))
            group.cancel_scope.cancel()
        if self._stop.level and not row.ended_ns:
            attempt.cut().outcome = "cancelled"
        journal.append(row.to_json())
        if row.outcome == "ok":
            await anyio.sleep(HABIT_S)
            return True
        if row.outcome == "cancelled":
            model.status = "interrupted"
            return False
        headers = list(self._secret_headers)
        served: list[str] = []
        if row.status is not None:
            served = await list_models(self._wire, self._scenario.base_url, headers)
        model.status = "failed"
        model.error_class = row.error_class
        if served and model.model not in served:
            model.error_class = "model_not_found"
        model.error = advice(row, self._scenario.base_url, model.model, served)
        self._observer.say(f"{model.model}: {model.error}")
        return False

    async def _run_level(
        self, model: ModelFacts, index: int, level: Level, outgoing: Outgoing, journal: Journal
    ) -> None:
        try:
            await self._wire.prepare(outgoing.url, connections_ahead(level))
        except WireError as error:
            self._observer.say(f"{model.model}: could not connect ahead: {error}")
        opened_before = self._wire.opened
        stage = StageFacts(
            index=index,
            users=level.users,
            load=level.load,
            think_s=0.0 if level.think is None else level.think.mean_s,
            warmup_s=level.warmup_s,
            duration_s=level.duration_s,
            requests=level.requests,
            began_ns=0,
            books=Books(),
        )
        model.stages.append(stage)
        self._plan(stage, level)
        self._folder.write_facts(self.facts)  # takes milliseconds, so the level begins after it
        live = self._live = self._open_level(model, stage, level, outgoing, journal)
        self._wire.stamps.reset()
        self._pulse.begin()
        await live.loop.run()
        self._pulse.end()
        stage.pulse = self._pulse.report()
        stage.arrivals = arrivals_found(level, live.loop, live.bounds)
        self._close_level(stage, live, opened_before)
        gc.collect()  # the level's histograms hold each other
        self._observer.say(stage_line(model.model, stage, live.tally))

    def _plan(self, stage: StageFacts, level: Level) -> Bounds:
        """The bounds of a level that begins now, and the same in its facts."""
        bounds = bounds_of(level, WHOLE, now_ns() + LEAD_NS, self._scenario.drain_s)
        since, until_ns = self._origin.since, bounds.measure_until_ns
        stage.began_ns = since(bounds.began_ns)
        stage.measure_from_ns = since(bounds.measure_from_ns)
        stage.measure_until_ns = None if until_ns is None else since(until_ns)
        return bounds

    def _open_level(
        self,
        model: ModelFacts,
        stage: StageFacts,
        level: Level,
        outgoing: Outgoing,
        journal: Journal,
    ) -> Live:
        tally = Tally()
        tally.make_room()
        recorder = Recorder(tally, journal.append)

        def send(start: Start) -> Sending:
            return self._send(model, stage.index, start, outgoing)

        bounds = self._plan(stage, level)
        tally.set_window(stage.measure_from_ns, stage.measure_until_ns)
        ledger = Ledger(stage.books, bounds.measure_from_ns, bounds.measure_until_ns)
        seed = self._scenario.seed + stage.index
        loop = scheduler_of(level, WHOLE, seed, bounds, send, ledger, recorder, self._stop)
        return Live(bounds, loop, ledger, tally, stage)

    def _close_level(self, stage: StageFacts, live: Live, opened_before: int) -> None:
        stage.ended_ns = self._origin.since(now_ns())
        stage.measure_until_ns = self._origin.since(live.loop.measured_until_ns)
        stage.in_flight_ns = dict(sorted(live.ledger.in_flight_ns.items()))
        stage.max_in_flight = live.ledger.max_in_flight
        stage.connections_opened = self._wire.opened - opened_before
        stage.stamps = self._wire.stamps.facts()
        sources = {stage.stamps.source for model in self.facts.models for stage in model.stages}
        self.facts.engine["stamps"] = ", ".join(sorted(sources - {"none"})) or "none"
        self._folder.write_facts(self.facts)

    def snapshot(self) -> Snapshot | None:
        """The moment as the display wants it; None between levels."""
        if self._live is None or self._live.stage.ended_ns is not None:
            return None
        return take_snapshot(self.facts, self._live, now_ns())

    def _send(self, model: ModelFacts, stage: int, start: Start, outgoing: Outgoing) -> Sending:
        sequence = self._next()
        request_id = f"{model.folder}-{stage}-{sequence}"
        intended_ns = self._origin.since(start.intended_ns)
        row = Row(request_id, stage, start.user, start.phase, intended_ns)
        attempt = Attempt(row, self._dialect, self._origin.perf_ns)
        return Sending(attempt, self._wire, outgoing.request(sequence, request_id))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1


def make_wire(scenario: Scenario) -> Wire:
    """The transport that the scenario names."""
    timeouts = Timeouts(
        scenario.connect_timeout_s, scenario.idle_timeout_s, scenario.total_timeout_s
    )
    context = None
    if scenario.base_url.startswith("https"):
        context = ssl.create_default_context(cafile=scenario.ca_file)
        if scenario.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    if scenario.transport == "httpx":
        return HttpxWire(timeouts, context)
    return FastTransport(timeouts, context, kernel_stamps=scenario.stamps == "auto")
