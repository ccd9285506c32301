"""Run: models one after another, each through its levels; facts and journals on the way.

A model that cannot be loaded, fails its cold request, or whose server ends on the way, is kept as a
row with its error and the rest go on. Everything measured is on disk before the next thing starts;
the caller then rebuilds the derived files. What an earlier sitting has finished is not done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import anyio

from tailrace.engine.abort import abort_watched, rules_of
from tailrace.engine.aligning import aligned, aligned_line
from tailrace.engine.clock import now_ns
from tailrace.engine.crew import Alone, Crew, Held
from tailrace.engine.dialect_probe import CHAT, TURNED_AWAY, Found, other_dialect
from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.exchange import WireError
from tailrace.engine.load import WHOLE, arrivals_judged, stage_of
from tailrace.engine.loader import LoadError
from tailrace.engine.probe import advice, list_models
from tailrace.engine.progress import pooled, stage_line, take_snapshot
from tailrace.engine.spread import urls_of
from tailrace.engine.stop import Stop, until_asked
from tailrace.engine.turn import Turn
from tailrace.engine.watcher import Nobody, Plan, Watching, watching
from tailrace.engine.worker import SecretHeaders, Target, Worker, headers_of
from tailrace.results.facts import ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.merge import merge_into
from tailrace.results.render.live import Snapshot
from tailrace.results.schema import Row
from tailrace.scenarios.dialects import AUTO

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
        model_headers: Mapping[str, SecretHeaders] | None = None,
    ) -> None:
        """``model_headers``: secret headers of single models, by their names."""
        self._worker = worker
        """Sends the cold requests; without a crew it holds the levels as well."""
        self._crew = crew or Alone(worker)
        self._scenario = worker.scenario
        self._origin = worker.origin
        self.facts = facts
        self._folder = folder
        self._secret_headers = secret_headers
        self._model_headers = model_headers or {}
        self._observer = observer
        self._stop = stop
        self._stage: StageFacts | None = None
        self._watcher: Watching = Nobody()
        """Looks at the server of the model whose turn it is."""
        self._abort_on = rules_of(self._scenario.abort_on)

    async def go(self) -> RunFacts:
        """Run it all; returns the facts, which are on disk as well."""
        try:
            for number in range(len(self.facts.models)):
                if self.facts.models[number].status in ("ok", "failed"):
                    continue
                if self._over:
                    self.facts.models[number].status = "skipped"
                    continue
                await self._run_model(number)
        finally:
            await self._crew.aclose()
            await self._worker.aclose()
            self.facts.ended = "interrupted" if self._stop.level else "complete"
            if self._stop.reason is not None:
                self.facts.ended, self.facts.abort_reason = "aborted", self._stop.reason
            if self._worker.rows_lost:
                lost = f"; {self._worker.rows_lost} finished requests are in no file"
                self.facts.abort_reason = f"{self._stop.reason}{lost}"
            self._save()
        return self.facts

    def _save(self) -> None:
        """Write the facts; a run that cannot keep them ends, with those that it had written."""
        try:
            self._folder.write_facts(self.facts)
        except OSError as exc:
            self._stop.abort(
                f"run.json in {str(self._folder.path)!r} cannot be written: {exc.strerror}"
            )

    @property
    def _over(self) -> bool:
        """No further level is to begin: the user says so, or the crew cannot hold one any more."""
        lost = self.facts.lost_workers and not self.facts.tolerates_loss
        return bool(self._stop.level or lost)

    async def _run_model(self, number: int) -> None:
        """One model's turn; see turn.py for the steps."""
        model = self.facts.models[number]
        turn = Turn(
            model,
            self._scenario.queue[number],
            f"{number + 1}/{len(self.facts.models)}",
            self._save,
            self._observer.say,
        )
        try:
            if self._all_held(model) or await self._take(turn):
                self._settle(model)
        except LoadError as error:
            turn.fail(error.error_class, str(error))
        finally:
            await turn.unload()
            self._save()

    def _all_held(self, model: ModelFacts) -> bool:
        """Whether an earlier sitting held every level."""
        return len(model.stages) == len(self._scenario.levels)

    def _settle(self, model: ModelFacts) -> None:
        if self._over:
            model.status = "interrupted"
        elif any(stage.books.ok for stage in model.stages):
            model.status = "ok"
        else:
            model.status, model.error_class, model.step = "failed", "no_success", "run"
            model.error = "no request ended ok; see errors by class"

    async def _take(self, turn: Turn) -> bool:
        """Every step up to the last level; False when the model has its status already."""
        model = turn.model
        own = self._model_headers.get(model.model, ())
        headers = headers_of(self._secret_headers, own)
        folder = self._folder.path / model.folder
        await turn.resolve(self._scenario.base_url, folder, headers, self._stop)
        loaded = await turn.load(self._stop)
        if loaded is None:
            model.status = "interrupted"
            return False
        target = Target(
            *(loaded.model, model.folder, loaded.base_url),
            headers=(*own, *loaded.headers),
            sitting=self.facts.sitting,
            extra_body=turn.entry.extra_body or None,
        )
        turn.at("warm", "the cold first request")
        warmed = await self._warm(turn, target)
        if warmed is None:
            return False
        target = await self._aligned(turn, warmed)
        plan = Plan(self._scenario, self._origin, self._folder.path / model.folder)
        async with watching(
            plan, target, headers, turn.holder_pid, self._observer.say
        ) as self._watcher:
            return await self._run_levels(turn, target)

    async def _run_levels(self, turn: Turn, target: Target) -> bool:
        """Every level that is left; False when the model's server ended on the way."""
        levels = len(self._scenario.levels)
        left = range(len(turn.model.stages), levels)
        turn.at("run", f"{len(left)} of {levels} level{'s' * (levels != 1)}")
        for index in left:
            if self._over:
                break
            if not await self._level_held(turn, target, index):
                return False
        return True

    async def _level_held(self, turn: Turn, target: Target, index: int) -> bool:
        await self._run_level(turn, target, index)
        if (why := turn.ended()) is not None:
            turn.model.stages[-1].cut = True
            turn.fail("server_ended", f"{why} at {turn.model.stages[-1].label}")
            return False
        return True

    async def _warm(self, turn: Turn, target: Target) -> Target | None:
        """The cold request, one to each URL, and the target in the dialect that it went in.

        On failure the model is marked and the reason said.
        """
        model = turn.model
        wanted, how = dialect_wanted(turn, self._scenario.dialect)
        target = target._replace(dialect=CHAT if wanted == AUTO else wanted)
        row = await self._ask_cold(target)
        if wanted == AUTO and row.outcome == "error" and row.error_class in TURNED_AWAY:
            found = await self._other(target)
            if found is not None:
                how = found.how
                self._observer.say(f"{model.model}: speaks {found.dialect}: {how}")
                target = target._replace(dialect=found.dialect)
                row = await self._ask_cold(target)
        self._worker.keep(row)
        model.dialect, model.dialect_from = target.dialect, how
        for place in range(1, self._worker.urls):
            if row.outcome == "ok":
                row = await self._ask_cold(target, place)
                self._worker.keep(row)
        if row.outcome == "ok":
            await anyio.sleep(HABIT_S)
            return target
        if row.outcome == "cancelled":
            model.status = "interrupted"
            return None
        asked = urls_of(self._scenario, target.base_url)[row.user]
        await self._explain(turn, target._replace(base_url=asked), row)
        return None

    async def _other(self, target: Target) -> Found | None:
        """What the server speaks beside chat completions, which it has turned away."""
        headers = headers_of(self._secret_headers, target.headers)
        async with until_asked(self._stop):
            return await other_dialect(self._worker.wire, target.base_url, target.model, headers)
        return None

    async def _ask_cold(self, target: Target, place: int = 0) -> Row:
        """The row of the cold request to one of the URLs, not yet kept."""
        request_id = f"{target.folder}-cold{target.mark}" + (f"-{place}" if place else "")
        row = Row(request_id, -1, place, "cold", self._origin.since(now_ns()))
        outgoing = self._worker.aim(target)
        sending = self._worker.sending(row, outgoing, self._worker)
        async with until_asked(self._stop):
            await sending.perform()
        row = sending.row  # of the last attempt
        if self._stop.level and not row.ended_ns:
            sending.cut().outcome = "cancelled"
        return row

    async def _aligned(self, turn: Turn, target: Target) -> Target:
        """The target, with made prompts of the length that its server counts."""
        target = await aligned(self._worker, target, turn.model, self._stop)
        line = aligned_line(turn.model)
        if line is not None:
            self._observer.say(line)
        return target

    async def _explain(self, turn: Turn, target: Target, row: Row) -> None:
        """Why the cold request failed, in the model's facts and to whoever watches."""
        if turn.watched:
            await anyio.sleep(HABIT_S)  # a server that died of the request is noticed as such
        if (why := turn.ended()) is not None:
            turn.fail("server_ended", f"{why} at the first request")
            return
        served: list[str] = []
        if row.status is not None:
            headers = headers_of(self._secret_headers, target.headers)
            own = dialect_of(target.dialect).headers(headers)
            served = await list_models(self._worker.wire, target.base_url, own)
        unknown = bool(served) and target.model not in served
        turn.fail(
            "model_not_found" if unknown else row.error_class,
            advice(row, target.base_url, target.model, served, target.dialect),
        )

    async def _run_level(self, turn: Turn, target: Target, index: int) -> None:
        model = turn.model
        try:
            await self._crew.prepare(target, index)
        except WireError as error:
            self._observer.say(f"{model.model}: could not connect ahead: {error}")
        await self._watcher.look()
        stage = self._planned(index)
        model.stages.append(stage)
        self._save()  # takes milliseconds, so the level begins after it
        began_ns = now_ns() + self._crew.lead_ns
        self._replan(stage, index, began_ns)
        self._stage = stage
        held = await self._hold(turn, target, index, began_ns)
        self._close_level(model, stage, held)
        self._save()
        await self._watcher.look()
        if held.progress:
            self._observer.say(stage_line(model.model, stage, pooled(held.progress)))

    async def _hold(self, turn: Turn, target: Target, index: int, began_ns: int) -> Held:
        """Hold a level; one whose server ends is cut short, for nobody is left to ask."""
        where = f"{turn.model.model} at {self._scenario.levels[index].label}"
        async with abort_watched(self._abort_on, self._crew.progress, self._stop, where):
            return await self._hold_watched(turn, target, index, began_ns)

    async def _hold_watched(self, turn: Turn, target: Target, index: int, began_ns: int) -> Held:
        if not turn.watched:
            return await self._crew.hold(target, index, began_ns)
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await turn.until_ended()
                self._crew.cut()

            group.start_soon(watch)
            held = await self._crew.hold(target, index, began_ns)
            group.cancel_scope.cancel()
        return held

    def _planned(self, index: int) -> StageFacts:
        level, drain_s = self._scenario.levels[index], self._scenario.drain_s
        return stage_of(level, index, WHOLE, now_ns(), self._origin, drain_s)

    def _replan(self, stage: StageFacts, index: int, began_ns: int) -> None:
        level = self._scenario.levels[index]
        later = stage_of(level, index, WHOLE, began_ns, self._origin, self._scenario.drain_s)
        stage.began_ns = later.began_ns
        stage.measure_from_ns, stage.measure_until_ns = (
            later.measure_from_ns,
            later.measure_until_ns,
        )

    def _close_level(self, model: ModelFacts, stage: StageFacts, held: Held) -> None:
        planned_ns = stage.measure_until_ns
        merge_into(stage, held.parts)
        stopped = self._stop.level > 0 and ended_early(stage, planned_ns)
        stage.cut = stopped or bool(held.lost)
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


def dialect_wanted(turn: Turn, of_run: str) -> tuple[str, str]:
    """The dialect of a model, and who says so; ``auto`` when the server is to say."""
    known = turn.model.dialect
    if known is not None:  # of an earlier sitting
        return known, turn.model.dialect_from
    if turn.entry.dialect not in (None, AUTO):
        return str(turn.entry.dialect), "the models file says so"
    if AUTO in (turn.entry.dialect, of_run):
        return AUTO, "auto; it is asked first"
    return of_run, "--dialect says so"


def ended_early(stage: StageFacts, planned_ns: int | None) -> bool:
    """Whether a stop took something from a level whose measuring was to end at ``planned_ns``."""
    books = stage.books
    if planned_ns is not None and (stage.measure_until_ns or 0) < planned_ns:
        return True
    return bool(books.unsent or books.cancelled)
