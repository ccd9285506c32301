"""Facts: what ``run.json`` keeps of a run that no request line can say.

Plain values only (they go through JSON and back unchanged). Written when a stage begins and again
when it ends, so that a run that was killed still says what it was doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tailrace.errors import ResultError
from tailrace.results.clock_facts import ClockFacts
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.schema import RUN_SCHEMA
from tailrace.results.session_facts import SessionBooks
from tailrace.results.stamp_facts import StampFacts

Status = Literal["running", "ok", "failed", "skipped", "interrupted"]
Step = Literal["resolve", "load", "warm", "run", "unload"]
"""What is done with a model in its turn, in this order."""


@dataclass(slots=True)
class Books:
    """The counters of one stage as the scheduler kept them, apart from the journal's lines.

    Law: planned = started + dropped + unsent; started = ok + error + timeout + cancelled +
    censored; each request that was sent again has at least one retry. ``unsent`` were planned and
    never started because the stage ended first.
    """

    planned: int = 0
    started: int = 0
    dropped: int = 0
    unsent: int = 0
    ok: int = 0
    error: int = 0
    timeout: int = 0
    cancelled: int = 0
    censored: int = 0
    retried: int = 0
    """Of those started, how many were sent again at least once."""
    retries: int = 0
    """How often requests were sent again, in all."""

    @property
    def ended(self) -> int:
        """Requests that have an outcome."""
        return self.ok + self.error + self.timeout + self.cancelled + self.censored

    def balanced(self) -> bool:
        """Whether the law holds; only asked after the stage has ended."""
        return (
            self.planned == self.started + self.dropped + self.unsent
            and self.started == self.ended
            and self.retried <= min(self.started, self.retries)
            and (self.retried > 0) == (self.retries > 0)
        )


@dataclass(slots=True)
class StageFacts:
    """One load level of one model. Points in time are ns since the run's origin."""

    index: int
    users: int | None
    """None in an open loop."""
    warmup_s: float
    duration_s: float | None
    requests: int | None
    began_ns: int
    books: Books
    measure_from_ns: int | None = None
    measure_until_ns: int | None = None
    ended_ns: int | None = None
    in_flight_ns: dict[int, int] = field(default_factory=dict)
    """Time spent at each number of requests in flight within the measure window."""
    max_in_flight: int = 0
    connections_opened: int = 0
    stamps: StampFacts = field(default_factory=StampFacts)
    pulse: PulseFacts = field(default_factory=PulseFacts)
    think_s: float = 0.0
    """Mean think time of a user, seconds."""
    load: str = ""
    """In a table's cell: ``8`` users, or ``50/s`` of an open loop."""
    arrivals: dict[str, Any] | None = None
    """An open loop's requested and realised arrivals; see results/arrival_stats.py."""
    sessions: SessionBooks | None = None
    """How the sessions of the level ended; None where requests stand for themselves."""
    round: int = 0
    """Which repetition of the levels it belongs to, from 1; 0 where there is only one."""

    parts: list[StageFacts] = field(default_factory=list)
    """What each of several workers found; empty where there was one."""
    node: str = ""
    """Of a part: the machine that its worker was on; empty for the run's own."""
    clock: ClockFacts | None = None
    """Of a part: how that machine's clock stood when the level began; None for the run's own."""
    cut: bool = False
    """Ended before its time: by a signal, with its server, or with a worker."""

    @property
    def finished(self) -> bool:
        """Whether it ran as planned, so that a resumed run need not repeat it."""
        return self.ended_ns is not None and not self.cut

    @property
    def label(self) -> str:
        """In a sentence: ``8 users``, ``50/s``."""
        return label_of(self.load, self.users, self.round)


def label_of(load: str, users: int | None, number: int) -> str:
    """A load level in a sentence, with the number of its round where there are several."""
    what = load if users is None else f"{users} user{'s' * (users != 1)}"
    return f"round {number}, {what}" if number else what


@dataclass(slots=True)
class ModelFacts:
    """One model's turn: its name, its folder, how it went."""

    model: str
    """Its id on the server, or its alias in a models file, whose tags then hold the id."""
    folder: str
    status: Status = "running"
    error_class: str | None = None
    error: str | None = None
    stages: list[StageFacts] = field(default_factory=list)
    torn_lines: int = 0
    """Lines that were cut off in the journals of several workers, and are in no row."""
    dialect: str | None = None
    """In which words it was asked; None before that is known."""
    dialect_from: str = ""
    """How that was known."""
    alignment: dict[str, Any] | None = None
    """How the server counts the tokens of made prompts, from the requests before its levels."""
    tags: dict[str, Any] = field(default_factory=dict)
    """What the models file says of it, without the values of headers."""
    step: Step | None = None
    """Where it is, or where it failed; None when its turn has not begun, or ended well."""
    steps_s: dict[str, float] = field(default_factory=dict)
    """Seconds that resolve, load, warm and unload took; without those that were not needed."""
    footprint: dict[str, Any] | None = None
    """Of its own server: ``peak_rss_bytes``, and the ``source`` of that figure."""
    set_aside: list[StageFacts] = field(default_factory=list)
    """Levels that were begun, not finished, and held anew in a later sitting."""
    set_aside_rows: int = 0
    """Requests of such levels; they are in a file of their own and in no figure."""
    dropped_lines: int = 0
    """Lines that a killed sitting left torn; of requests that are in no row."""


@dataclass(slots=True)
class Resumption:
    """A later sitting of a run that had not finished."""

    sitting: int
    """Its number; the run's first is 0."""
    started_at: str
    """RFC 3339, UTC."""
    at_ns: int
    """Its beginning on the run's one axis of time, by the wall clock."""
    origin_wall_ns: int
    """CLOCK_REALTIME at its beginning."""
    origin_perf_ns: int
    """Its own zero: its journal times are ``time.perf_counter_ns`` minus this."""
    after: str
    """How the sitting before it ended: ``killed`` or ``interrupted``."""
    lost_workers: list[str] = field(default_factory=list)
    """Of the sitting before; the level that they left is held anew."""
    fleet: list[dict[str, Any]] = field(default_factory=list)
    """Of the sitting before; see ``RunFacts.fleet``."""
    host: dict[str, Any] = field(default_factory=dict)
    """The machine, where it is another than the run's first."""


@dataclass(slots=True)
class RunFacts:
    """Everything in ``run.json`` but the verdict."""

    name: str
    started_at: str
    """RFC 3339, UTC."""
    origin_wall_ns: int
    """CLOCK_REALTIME at the run's origin."""
    origin_perf_ns: int
    """``time.perf_counter_ns`` at the run's origin; journal times are relative to it."""
    tool: dict[str, Any]
    host: dict[str, Any]
    engine: dict[str, Any]
    """Event loop, transport, where the stamps are taken."""
    scenario: dict[str, Any]
    models: list[ModelFacts] = field(default_factory=list)
    ended: Literal["complete", "interrupted", "aborted"] | None = None
    """None while the run goes on, and for ever in a run that was killed."""
    abort_reason: str | None = None
    fleet: list[dict[str, Any]] = field(default_factory=list)
    """Where each worker was, on a cluster: worker, node, machine, and with the first of each node
    the node's calibration, where it has one. Empty on one machine."""
    tolerates_loss: bool = False
    """Whether a lost worker was to be done without."""
    lost_workers: list[str] = field(default_factory=list)
    """One sentence each: which, when, and how."""
    calibration: dict[str, Any] | None = None
    """What is known of this client's own errors on this machine; see calibration.py. None where a
    cluster held the load."""
    options: dict[str, Any] = field(default_factory=dict)
    """The command line's options as they were given or by default, without what may be secret."""
    resumptions: list[Resumption] = field(default_factory=list)

    @property
    def sitting(self) -> int:
        """The number of the sitting, from 0."""
        return len(self.resumptions)

    @property
    def base_urls(self) -> list[str | None]:
        """Those that a row's ``url`` counts; None first where each model has its own."""
        reach = self.scenario.get("reach")
        return [
            self.scenario.get("base_url"),
            *(reach.get("more_urls", ()) if isinstance(reach, dict) else ()),
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, schema name first."""
        facts: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        return {"schema": RUN_SCHEMA} | facts


def is_converted(facts: RunFacts) -> bool:
    """Whether another tool measured it; ``tool`` then names that one."""
    return "converted_by" in facts.tool


def facts_from_dict(data: dict[str, Any], where: str) -> RunFacts:
    """Rebuild the facts of ``run.json``; keys that are not facts (the verdict) are left out.

    Raises ResultError naming ``where`` and the field when the data are not a run.
    """
    if data.get("schema") != RUN_SCHEMA:
        raise ResultError(
            f"{where} has schema {data.get('schema')!r}, this tailrace reads {RUN_SCHEMA!r}"
        )
    for path, part in _parts(data):
        if not isinstance(part, list):
            raise ResultError(f"{where} does not hold a run's facts: it lacks {path}")
    try:
        return msgspec.convert(data, RunFacts, str_keys=True)
    except msgspec.ValidationError as exc:
        raise ResultError(f"{where} does not hold a run's facts: {exc}") from None


def _parts(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The lists that have a default in memory and must not be missing from a file."""
    yield "$.models", data.get("models")
    for index, model in enumerate(data.get("models") or ()):
        if isinstance(model, dict):
            yield f"$.models[{index}].stages", model.get("stages")
