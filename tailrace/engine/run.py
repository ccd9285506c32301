"""Run: models one after another, each through its levels; facts and journals on the way.

A model that fails its cold request is kept as a row with its error and the rest go on. Everything
measured is on disk before the next thing starts; the caller then rebuilds the derived files.
"""

from __future__ import annotations

from typing import Protocol

import anyio

from tailrace.engine.aligning import aligned, aligned_line
from tailrace.engine.clock import now_ns
from tailrace.engine.crew import Alone, Crew, Held
from tailrace.engine.exchange import WireError
from tailrace.engine.load import WHOLE, arrivals_judged
from tailrace.engine.probe import advice, list_models
from tailrace.engine.progress import pooled, stage_line, take_snapshot
from tailrace.engine.stop import Stop
from tailrace.engine.worker import SecretHeaders, Target, Worker, stage_of
from tailrace.results.facts import ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.merge import merge_into
from tailrace.results.render.live import Snapshot
from tailrace.results.schema import Row

HABIT_S = 0.05
"""Pause after the cold request, in which the wire learns whether the server keeps connections."""


class Observer(Protocol):
    """Who watches a run; called between awaits, so it must be quick."""

    def say(self, text: str) -> None:
        """Something happened that is worth a line."""
        ...


class Run:
    """One run of a worker's scenario into a folder; ``crew`` holds its levels."""

    def __init__(
        self,
        worker: Worker,
        facts: RunFacts,
        folder: RunFolder,
        secret_headers: SecretHeaders,
        observer: Observer,
        stop: Stop,
        crew: Crew | None = None,
    ) -> None:
        self._worker = worker
        """Sends the cold requests; without a crew it holds the levels as well."""
        self._crew = crew or Alone(worker)
        self._scenario = worker.scenario
        self._origin = worker.origin
        self.facts = facts
        self._folder = folder
        self._secret_headers = secret_headers
        self._observer = observer
        self._stop = stop
        self._stage: StageFacts | None = None

    async def go(self) -> RunFacts:
        """Run it all; returns the facts, which are on disk as well."""
        try:
            for model in self.facts.models:
                if self._over:
                    model.status = "skipped"
                    continue
                await self._run_model(model)
        finally:
            await self._crew.aclose()
            await self._worker.aclose()
            self.facts.ended = "interrupted" if self._stop.level else "complete"
            if self._stop.reason is not None:
                self.facts.ended, self.facts.abort_reason = "aborted", self._stop.reason
            self._folder.write_facts(self.facts)
        return self.facts

    @property
    def _over(self) -> bool:
        """No further level is to begin: the user says so, or the crew cannot hold one any more."""
        return bool(self._stop.level or self.facts.lost_workers)

    async def _run_model(self, model: ModelFacts) -> None:
        target = Target(model.model, model.folder)
        try:
            if not await self._warm(model, target):
                return
            target = await self._aligned(model, target)
            for index in range(len(self._scenario.levels)):
                if self._over:
                    break
                await self._run_level(model, target, index)
            ended_ok = any(stage.books.ok for stage in model.stages)
            if self._over:
                model.status = "interrupted"
            elif ended_ok:
                model.status = "ok"
            else:
                model.status, model.error_class = "failed", "no_success"
                model.error = "no request ended ok; see errors by class"
        finally:
            self._folder.write_facts(self.facts)

    async def _warm(self, model: ModelFacts, target: Target) -> bool:
        """The cold request; on failure the model is marked and the reason said."""
        row = Row(f"{model.folder}-cold", -1, 0, "cold", self._origin.since(now_ns()))
        outgoing = self._worker.aim(target)
        sending = self._worker.sending(row, outgoing, self._worker)
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await self._stop.wait(1)
                group.cancel_scope.cancel()

            group.start_soon(give_up)
            await sending.perform()
            group.cancel_scope.cancel()
        row = sending.row  # of the last attempt
        if self._stop.level and not row.ended_ns:
            sending.cut().outcome = "cancelled"
        self._worker.keep(row)
        if row.outcome == "ok":
            await anyio.sleep(HABIT_S)
            return True
        if row.outcome == "cancelled":
            model.status = "interrupted"
            return False
        await self._explain(model, row)
        return False

    async def _aligned(self, model: ModelFacts, target: Target) -> Target:
        """The target, with made prompts of the length that its server counts."""
        target = await aligned(self._worker, target, model, self._stop)
        line = aligned_line(model)
        if line is not None:
            self._observer.say(line)
        return target

    async def _explain(self, model: ModelFacts, row: Row) -> None:
        """Why the cold request failed, in the model's facts and to whoever watches."""
        url = self._scenario.base_url
        served: list[str] = []
        if row.status is not None:
            served = await list_models(self._worker.wire, url, list(self._secret_headers))
        model.status = "failed"
        model.error_class = row.error_class
        if served and model.model not in served:
            model.error_class = "model_not_found"
        model.error = advice(row, url, model.model, served)
        self._observer.say(f"{model.model}: {model.error}")

    async def _run_level(self, model: ModelFacts, target: Target, index: int) -> None:
        try:
            await self._crew.prepare(target, index)
        except WireError as error:
            self._observer.say(f"{model.model}: could not connect ahead: {error}")
        stage = self._planned(index)
        model.stages.append(stage)
        self._folder.write_facts(self.facts)  # takes milliseconds, so the level begins after it
        began_ns = now_ns() + self._crew.lead_ns
        self._replan(stage, index, began_ns)
        self._stage = stage
        held = await self._crew.hold(target, index, began_ns)
        self._close_level(model, stage, held)
        self._folder.write_facts(self.facts)
        if held.progress:
            self._observer.say(stage_line(model.model, stage, pooled(held.progress)))

    def _planned(self, index: int) -> StageFacts:
        level = self._scenario.levels[index]
        return stage_of(level, index, WHOLE, now_ns(), self._origin, self._scenario.drain_s)

    def _replan(self, stage: StageFacts, index: int, began_ns: int) -> None:
        level = self._scenario.levels[index]
        later = stage_of(level, index, WHOLE, began_ns, self._origin, self._scenario.drain_s)
        stage.began_ns = later.began_ns
        stage.measure_from_ns, stage.measure_until_ns = (
            later.measure_from_ns,
            later.measure_until_ns,
        )

    def _close_level(self, model: ModelFacts, stage: StageFacts, held: Held) -> None:
        merge_into(stage, held.parts)
        for sentence in held.lost:
            self.facts.lost_workers.append(f"{model.model} at {stage.label}: {sentence}")
            self._observer.say(sentence)
        level = self._scenario.levels[stage.index]
        stage.arrivals = arrivals_judged(level, stage, held.begun_ns)
        stage.ended_ns = self._origin.since(now_ns())
        sources = {each.stamps.source for one in self.facts.models for each in one.stages}
        self.facts.engine["stamps"] = ", ".join(sorted(sources - {"none"})) or "none"
        self._stage = None

    def snapshot(self) -> Snapshot | None:
        """The moment as the display wants it; None between levels."""
        parts = self._crew.progress()
        if self._stage is None or not parts:
            return None
        return take_snapshot(self.facts, self._stage, pooled(parts), self._origin.since(now_ns()))
