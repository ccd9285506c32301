"""LimitRun: a run whose next level depends on what came of the last: the search for a limit.

Each probe is a level like any other: it is warmed up, measured, drained and journalled. Between
two of them, when nothing is in flight, the last one is judged from the journal by the same code
that makes the result, and the search (results/limit_search.py) says where to probe next.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tailrace.engine.run import Run
from tailrace.engine.turn import Turn
from tailrace.engine.worker import Target
from tailrace.results.facts import ModelFacts, StageFacts
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.limit import probe_of, shown
from tailrace.results.limit_search import LOOKS, SURE, LimitSearch, Probe
from tailrace.results.result import stage_result
from tailrace.results.slo import slos_of
from tailrace.results.tally import tally_of
from tailrace.scenarios.model import Level
from tailrace.scenarios.rates import RatePhase


class LimitRun(Run):
    """A Run of one model; its scenario holds the first level and what is searched for."""

    def _all_held(self, model: ModelFacts) -> bool:
        return False

    async def _run_levels(self, turn: Turn, target: Target) -> bool:
        asked = self._scenario.search
        search = LimitSearch(asked["first"], asked["last"], asked["probes"])
        template, visits = self._scenario.levels[0], Counter[int]()
        turn.at("run", f"at most {search.most} probes")
        while not self._over and (point := search.next()) is not None:
            visits[point] += 1
            index = len(turn.model.stages)
            self._put(index, self._level(template, point, visits[point]))
            if not await self._level_held(turn, target, index):
                return False
            if self._over:
                break  # it was cut short, and says nothing
            probe = self._judged(turn.model, turn.model.stages[index], point)
            search.tell(probe)
            self._observer.say(f"probe {index + 1}: {shown(asked, point)}: {_words(probe)}")
        return True

    def _level(self, template: Level, point: int, visit: int) -> Level:
        if template.arrivals is None:
            return replace(template, users=point, round=visit)
        rate = round(point * self._scenario.search["step"], 9)
        arrivals = replace(template.arrivals, phases=(RatePhase(rate, rate, None),))
        return replace(template, arrivals=arrivals, round=visit)

    def _put(self, index: int, level: Level) -> None:
        """The level becomes the scenario's, for the worker, the facts and this run alike."""
        levels = (*self._scenario.levels[:index], level)
        self._scenario = self._worker.scenario = replace(self._scenario, levels=levels)
        self.facts.scenario = self._scenario.to_dict()

    def _judged(self, model: ModelFacts, stage: StageFacts, point: int) -> Probe:
        tally = tally_of(stage, slos_of(self.facts.scenario))
        for row in JournalReader(self._folder.path / model.folder / JOURNAL):
            if row.stage == stage.index:
                tally.add(row)
        return probe_of(point, stage_result(stage, tally))


def _words(probe: Probe) -> str:
    if probe.met is None:
        return "cannot tell"
    how = {SURE: "surely ", LOOKS: "by its looks "}.get(probe.right, "")
    return f"{how}{'met' if probe.met else 'missed'}"
