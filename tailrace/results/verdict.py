"""Verdict: VALID or INVALID, and why. Pure: facts and result documents in, reasons out.

A run that another tool measured is CONVERTED: neither, because nobody watched that tool's client.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.results.facts import RunFacts, StageFacts, is_converted
from tailrace.results.schema import OUTCOMES
from tailrace.results.session_facts import session_reasons
from tailrace.results.trace_notes import length_notes, trace_notes, trace_of, trace_reasons

_OWN_LIMITS = {"open_files": "file", "local_ports": "port", "out_of_memory": "memory"}
"""Error classes of requests that failed at the client, and what it lacked."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons`` break trust in the figures; ``notes`` do not, but a reader must know them."""

    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    converted: bool = False
    """Measured by another tool, so never VALID."""

    @property
    def valid(self) -> bool:
        """Whether the figures can be believed."""
        return not self.reasons and not self.converted

    @property
    def word(self) -> str:
        """``VALID``, ``INVALID`` or ``CONVERTED``."""
        if self.reasons:
            return "INVALID"
        return "CONVERTED" if self.converted else "VALID"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"valid": self.valid, "reasons": list(self.reasons), "notes": list(self.notes)}


def judge(facts: RunFacts, results: Sequence[dict[str, Any]]) -> Verdict:
    """Judge a run from its facts and its models' result documents, in the same order."""
    reasons: list[str] = []
    notes: list[str] = [*trace_notes(facts.scenario)]
    converted = is_converted(facts)
    if converted:
        tool = f"{facts.tool['name']} {facts.tool['version']}".strip()
        notes.append(f"converted from {tool}: not measured by tailrace, so not audited")
    if facts.ended is None:
        reasons.append("the run did not end: requests in flight at its death left no line")
    if facts.ended == "aborted":
        notes.append(f"aborted: {facts.abort_reason}")
    if facts.ended == "interrupted":
        notes.append("interrupted by a signal: the last stage is shorter than planned")
    lost = [f"a worker was lost: {sentence}" for sentence in facts.lost_workers]
    (notes if facts.tolerates_loss else reasons).extend(lost)
    notes += _resumed_notes(facts)
    measured = 0
    for model, result in zip(facts.models, results, strict=True):
        if model.status == "failed":
            notes.append(f"{model.model}: failed ({model.error_class})")
        if result["torn_lines"]:
            reasons.append(f"{model.model}: {result['torn_lines']} journal lines are torn")
        for stage, document in zip(model.stages, result["stages"], strict=True):
            where, trace = f"{model.model} at {stage.label}", trace_of(facts.scenario, stage.index)
            measured += document["counts"]["measured"]["ok"]
            if not facts.lost_workers:  # its books are lost with it
                reasons += _book_reasons(where, stage, document)
            reasons += _audit_reasons(where, document)
            reasons += _own_limit_reasons(where, document)
            notes += _load_notes(where, stage, document)
            notes += length_notes(where, trace, document)
            if facts.ended == "complete":
                reasons += trace_reasons(where, trace, document)
    if measured == 0:
        reasons.append("no measured request ended ok")
    return Verdict(tuple(reasons), tuple(notes), converted)


def _resumed_notes(facts: RunFacts) -> Iterable[str]:
    for each in facts.resumptions:
        where = f" on another machine ({each.host.get('cpu')})" if each.host else ""
        yield f"resumed at {each.started_at}{where}, after it was {each.after}"
    if rows := sum(model.set_aside_rows for model in facts.models):
        yield f"{rows} requests of unfinished levels are set aside and in no figure"
    if torn := sum(model.dropped_lines for model in facts.models):
        yield f"{torn} half-written journal lines were dropped when the run was resumed"


def _book_reasons(where: str, stage: StageFacts, document: dict[str, Any]) -> Iterable[str]:
    if stage.ended_ns is None:
        return
    if not stage.books.balanced():
        yield f"{where}: the books do not balance: {document['counts']['books']}"
    for outcome in OUTCOMES:
        kept, counted = document["counts"]["journal"][outcome], getattr(stage.books, outcome)
        if kept != counted:
            yield f"{where}: {counted} requests ended {outcome}, the journal has {kept}"
    for name, said in (("retried", "requests were sent again"), ("retries", "retries in all")):
        kept, counted = document["counts"]["journal"][name], getattr(stage.books, name)
        if kept != counted:
            yield f"{where}: {counted} {said}, the journal has {kept}"
    if stage.sessions is not None:
        yield from session_reasons(where, stage.sessions, document["sessions"]["journal"])


def _audit_reasons(where: str, document: dict[str, Any]) -> Iterable[str]:
    for finding in document["audit"]:
        if finding["status"] == "bad":
            yield f"{where}: {finding['name']}: {finding['value']}; {finding['why']}"


def _own_limit_reasons(where: str, document: dict[str, Any]) -> Iterable[str]:
    for error_class, what in _OWN_LIMITS.items():
        if n := document["errors"].get(error_class):
            yield (
                f"{where}: this machine had no {what} left for {n} of the requests "
                f"({error_class}): the load was not what was asked for"
            )


def _load_notes(where: str, stage: StageFacts, document: dict[str, Any]) -> Iterable[str]:
    mean = document["in_flight"]["mean"]
    if stage.sessions is not None:
        return  # between turns nothing is in flight
    if stage.users and not stage.think_s and mean is not None and mean < 0.95 * stage.users:
        yield (
            f"{where}: only {mean:.2f} requests were in flight on average, so the load was lower "
            "than asked"
        )
    retries = document["retries"]
    if retries["requests"]:
        classes = ", ".join(f"{name} {n}" for name, n in retries["classes"].items())
        yield (
            f"{where}: {retries['requests']} requests were sent again, "
            f"{retries['retries']} times in all ({classes}): latency from the intended time holds "
            "the failed attempts and the waits, service latency only the last attempt"
        )
