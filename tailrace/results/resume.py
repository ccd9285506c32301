"""Resume: the facts of a run that had not finished, as those of a run that goes on. Pure.

Rule: a level that was finished stays as it is; one that was begun and not finished is set aside
whole, and held anew from its beginning. Half a level and another half, an hour apart, would be a
measurement of neither. Models that failed have their answer and are not tried again.
"""

from __future__ import annotations

from itertools import takewhile

from tailrace.errors import UsageError
from tailrace.results.facts import ModelFacts, Resumption, RunFacts


def require_resumable(facts: RunFacts, where: str) -> None:
    """Raises UsageError when nothing is left to do, or the run ended by its own rule."""
    if facts.ended == "complete" and not facts.lost_workers:
        raise UsageError(
            f"{where} is complete: nothing is left to resume; `tailrace report` prints it again"
        )
    if facts.scenario.get("search"):
        raise UsageError(f"{where} searched for a limit, which is not resumed; start it anew")
    if facts.ended == "aborted":
        raise UsageError(
            f"{where} was aborted by its own rule ({facts.abort_reason}) and would be again; start "
            "a new run"
        )


def require_place(facts: RunFacts, on_cluster: bool, where: str) -> None:
    """Raises UsageError where levels held by many machines would be followed by those of one."""
    if not on_cluster and (facts.fleet or facts.options.get("fleet")):
        raise UsageError(
            f"{where} had its workers on a cluster, which this machine does not replace: name one "
            "with --fleet"
        )


def set_aside(facts: RunFacts) -> None:
    """Take out of every model the levels that were not finished."""
    for model in facts.models:
        if model.status != "failed":
            _set_aside(model)


def _set_aside(model: ModelFacts) -> None:
    finished = list(takewhile(lambda stage: stage.finished, model.stages))
    model.set_aside += model.stages[len(finished) :]
    model.stages = finished
    if model.status != "ok":
        model.status, model.step = "running", None


def go_on(facts: RunFacts, resumption: Resumption) -> None:
    """Note the new sitting."""
    resumption.after = facts.ended or "killed"
    if facts.lost_workers:
        resumption.after = "left by a worker"
    resumption.lost_workers = facts.lost_workers
    resumption.fleet = facts.fleet
    facts.resumptions.append(resumption)
    facts.ended, facts.lost_workers, facts.fleet = None, [], []


def last_ns(facts: RunFacts) -> int:
    """The latest moment that the facts know of, ns on the run's axis."""
    known = [0, *(resumption.at_ns for resumption in facts.resumptions)]
    for model in facts.models:
        for stage in (*model.stages, *model.set_aside):
            known += (stage.began_ns, stage.measure_from_ns or 0, stage.ended_ns or 0)
    return max(known)
