"""Worker: one event loop that makes its share of the load, measures it, and keeps its rows.

It is the same object whether it is the only one, in the process of the command, or one of many in a
process of its own (``fleet.py``): it owns its connections, its journal and its pulse, and no sample
leaves it before it is stamped. What it hands back of a level are StageFacts of its share.
"""

from __future__ import annotations

import asyncio
import gc
from array import array
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from tailrace.engine.abort import rules_of
from tailrace.engine.addresses import Addresses
from tailrace.engine.asked import Asked
from tailrace.engine.asking import Askings
from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.delta import Dialect
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import Prepared, Timeouts
from tailrace.engine.ledger import Ledger
from tailrace.engine.load import (
    WHOLE,
    Share,
    bounds_of,
    connections_ahead,
    scheduler_of,
    stage_of,
)
from tailrace.engine.outgoing import Outgoing
from tailrace.engine.progress import Live, Progress, progress_of
from tailrace.engine.pulse import Pulse
from tailrace.engine.recorder import Recorder
from tailrace.engine.request import Attempt
from tailrace.engine.retrying import Keeper, Patience, Retrying
from tailrace.engine.scheduler import Sending as AnySending
from tailrace.engine.scheduler import Start
from tailrace.engine.sealing import asked_hash, gathers_text, sealer
from tailrace.engine.self_audit import SelfAudit
from tailrace.engine.spread import Spread, urls_of
from tailrace.engine.stop import Stop
from tailrace.engine.talks import Talks
from tailrace.engine.tls import context_of
from tailrace.engine.wire import FastTransport, Wire
from tailrace.engine.wire_httpx import HttpxWire
from tailrace.results.facts import StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.glance import Glance
from tailrace.results.journal import Journal
from tailrace.results.schema import Row
from tailrace.scenarios.data import Alignment
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.reach import is_key_header
from tailrace.scenarios.sources import source_of

SecretHeaders = Sequence[tuple[str, str]]


class Target(NamedTuple):
    """One model's turn: its true id, its folder, and how it is asked."""

    model: str
    folder: str
    base_url: str
    headers: SecretHeaders = ()
    """Its own, beside those of the run or in their place."""
    sitting: int = 0
    """Of the run, from 0; each resumption is one more."""

    alignment: Alignment | None = None
    """How its server counts made prompts, where that was looked at."""
    dialect: str = "openai-chat"
    """In which words it is asked; never ``auto``."""

    extra_body: dict[str, Any] | None = None
    """Its own, over the run's."""

    @property
    def mark(self) -> str:
        """What tells the request ids and nonces of a later sitting from those before."""
        return f"-r{self.sitting}" if self.sitting else ""


class Sending:
    """An Attempt bound to its wire and request, as the scheduler wants it."""

    __slots__ = ("_attempt", "_request", "_wire", "cut", "row")

    def __init__(self, attempt: Attempt, wire: Wire, request: Prepared) -> None:
        self._attempt = attempt
        self._wire = wire
        self._request = request
        self.cut = attempt.cut
        self.row = attempt.row

    async def perform(self) -> Row:
        """Send it; see Attempt.perform."""
        return await self._attempt.perform(self._wire, self._request)

    def header(self, name: bytes) -> str:
        """A header of the answer, "" when it has none."""
        return self._attempt.exchange.header(name)


class Worker:
    """For use on one running loop, until ``aclose``."""

    def __init__(
        self,
        scenario: Scenario,
        origin: Origin,
        folder: RunFolder,
        secret_headers: SecretHeaders,
        stop: Stop,
        share: Share = WHOLE,
        part: int | None = None,
        first_sequence: int = 0,
    ) -> None:
        """``part`` numbers its journal where several workers keep one; requests of the run before
        ``first_sequence`` were sent in an earlier sitting.
        """
        self.scenario = scenario
        self.origin = origin
        self.wire = make_wire(scenario)
        self._folder = folder
        self._secret_headers = secret_headers
        self._stop = stop
        self._share = share
        self._part = part
        self._pulse = Pulse(asyncio.get_running_loop())
        self._dialect: Dialect = OpenAIChat()
        self._streamed = scenario.stream
        self._source = source_of(scenario)
        self._seal = sealer(scenario)
        self._askings = Askings(scenario)
        self._sequence = first_sequence + share.worker
        self._target: Target | None = None
        self._outgoing: Outgoing | None = None
        self._spread = Spread(())
        self._journal: Journal | None = None
        self._live: Live | None = None
        self.rows_lost = 0
        """Finished requests that no file has, since the disk took no more."""
        self._audit = SelfAudit(self._pulse, self.wire.stamps)
        self._level_stop: Stop | None = None
        self._talks: Talks | None = None
        self.loop_begun = array("q")
        """When the last level's open loop acted on its arrivals, ns since the origin."""

    def aim(self, target: Target) -> Outgoing:
        """Take up a model: its requests, its journal."""
        if self._outgoing is None or self._target != target:
            self._close_journal()
            another = self._target is None or self._target.folder != target.folder
            self._target = target
            if self.scenario.deterministic and another and self._outgoing is not None:
                self._sequence = self._share.worker  # the same order, whatever model went before
            if self.scenario.data.align:
                known = target.alignment
                self._source = source_of(self.scenario, known and Alignment(*known))
            self._dialect = dialect_of(target.dialect)
            self._streamed = self.scenario.stream and self._dialect.framing != "whole"
            scenario = replace(self._aimed_at(target), stream=self._streamed)
            if target.mark and not scenario.deterministic:
                # What a killed sitting asked is in the server's cache.
                scenario = replace(scenario, salt=scenario.salt + target.mark)
                self._askings = Askings(scenario)
            keep = self._source.distinct is not None and not self._askings.ask_anew
            headers = headers_of(self._secret_headers, target.headers)
            self._spread = Spread(
                [
                    Outgoing(
                        replace(scenario, base_url=url), target.model, self._dialect, headers, keep
                    )
                    for url in urls_of(self.scenario, target.base_url)
                ]
            )
            self._outgoing = self._spread.outgoings[0]
            self._journal = self._folder.open_journal(target.folder, self._part)
        return self._outgoing

    def _aimed_at(self, target: Target) -> Scenario:
        extra = self.scenario.extra_body | (target.extra_body or {})
        return replace(self.scenario, base_url=target.base_url, extra_body=extra)

    @property
    def urls(self) -> int:
        """Over how many URLs the requests of the model are spread."""
        return len(self._spread.outgoings)

    def sending(
        self, row: Row, outgoing: Outgoing, keeper: Keeper, asked: Asked | None = None
    ) -> AnySending:
        """The next request, ready to be sent, with the row it fills; its user decides the URL.

        ``keeper`` keeps the rows of attempts that failed before the last one; ``asked`` is what a
        trace or a session has it ask, and not the source.
        """
        scenario, sequence = self.scenario, self._next_sequence()
        asked = asked or Asked(self._source.item(sequence))
        item = asked.item
        nonce_of = sequence if asked.nonce_of is None else asked.nonce_of
        gather = gathers_text(scenario) or asked.keep_text
        row.prompt = item.id
        row.model = item.model
        row.streamed = self._streamed
        row.url = self._spread.place(row.user)
        if row.url:
            outgoing = self._spread.outgoings[row.url]
        if scenario.deterministic:
            row.asked_hash = asked_hash(scenario, item)

        def make(row: Row) -> Sending:
            attempt = Attempt(row, self._dialect, self.origin.perf_ns, gather)
            return Sending(attempt, self.wire, outgoing.request(item, nonce_of, row.id))

        if not scenario.retries.times:
            return make(row)
        patience = Patience(scenario.retries, scenario.seed, sequence, self._goes_on)
        return Retrying(row, make, patience, keeper)

    async def probe(self, item: Item, target: Target) -> Row:
        """Ask something beside the run: its row is in no journal and no level."""
        row = Row(item.id, -1, 0, "cold", self.origin.since(now_ns()))
        outgoing = self.aim(target)
        row.streamed = self._streamed
        attempt = Attempt(row, self._dialect, self.origin.perf_ns)
        request = outgoing.request(item, 0, f"{target.folder}-{item.id}")
        return await Sending(attempt, self.wire, request).perform()

    def _goes_on(self) -> bool:
        return not (self._level_stop or self._stop).level

    def keep(self, row: Row) -> None:
        """Journal a row that belongs to no level."""
        assert self._journal is not None
        if self._seal is not None:
            self._seal(row)
        self._write(row.to_json())

    def _write(self, lines: bytes) -> None:
        """To the journal; a run that cannot keep what it measures ends."""
        assert self._journal is not None
        self._journal.append(lines)
        if self._journal.problem is not None:
            self._stop.abort(self._journal.problem)

    @property
    def problem(self) -> str | None:
        """Why rows cannot be written."""
        return None if self._journal is None else self._journal.problem

    def postpone(self, row: Row) -> None:
        """Keeper of the cold request, which is in no level's books."""
        self.keep(row)

    def resume(self) -> None:
        """See postpone."""

    def _next_sequence(self) -> int:
        """Numbers that no other worker of the run has."""
        self._sequence += self._share.of
        return self._sequence - self._share.of

    async def prepare(self, target: Target, level: Level) -> None:
        """Be ready to begin at once; raises WireError when connecting ahead fails."""
        self.aim(target)
        share = self._share.within(level)
        users = range(share.worker, level.users or 0, share.of)
        ahead = share.count(connections_ahead(level))
        for outgoing, connections in self._spread.connections(level, users, ahead):
            await self.wire.prepare(outgoing.url, connections)

    async def hold(self, target: Target, index: int, began_ns: int) -> StageFacts:
        """Hold this worker's share of a level that begins at ``began_ns``."""
        level = self.scenario.levels[index]
        share = self._share.within(level)
        stage = stage_of(level, index, share, began_ns, self.origin, self.scenario.drain_s)
        outgoing = self.aim(target)
        opened_before = self.wire.opened
        live = self._live = self._open(target, stage, share, outgoing, began_ns)
        self.wire.stamps.reset()
        self._pulse.begin()
        self._audit.begin(now_ns())
        await live.loop.run()
        self._level_stop = None
        self._pulse.end()
        since = self.origin.since
        stage.pulse = self._pulse.report()
        stage.ended_ns = since(now_ns())
        stage.measure_until_ns = since(live.loop.measured_until_ns)
        stage.in_flight_ns = dict(sorted(live.ledger.in_flight_ns.items()))
        stage.max_in_flight = live.ledger.max_in_flight
        stage.connections_opened = self.wire.opened - opened_before
        stage.stamps = self.wire.stamps.facts()
        stage.sessions = None if self._talks is None else self._talks.close()
        self.loop_begun = array("q", map(since, live.loop.begun_ns))
        gc.collect()  # the level's histograms hold each other
        return stage

    def cut(self) -> None:
        """End the level under way before its time; without one, nothing."""
        if self._level_stop is not None:
            self._level_stop.ask()

    def progress(self) -> Progress | None:
        """How the level goes; None before the first, and what it came to after one."""
        if self._live is None:
            return None
        progress = progress_of(self._live, at_ns := now_ns())
        progress.client = self._audit.look(self._live, at_ns)
        progress.problem = self.problem
        return progress

    async def aclose(self) -> None:
        """Close connections and journal."""
        await self.wire.aclose()
        self._close_journal()

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self.rows_lost += self._journal.lines_left
            self._journal = None

    def _open(
        self, target: Target, stage: StageFacts, share: Share, outgoing: Outgoing, began_ns: int
    ) -> Live:
        assert self._journal is not None
        level = self.scenario.levels[stage.index]
        beyond = [rule.beyond for rule in rules_of(self.scenario.abort_on)]
        glance = Glance(stage.measure_from_ns, stage.measure_until_ns, beyond)
        recorder = Recorder(glance, self._write, self._seal)
        bounds = bounds_of(level, share, began_ns, self.scenario.drain_s)
        ledger = Ledger(stage.books, bounds.measure_from_ns, bounds.measure_until_ns)
        seed = self.scenario.seed + stage.index
        prefix = f"{target.folder}-{stage.index}{target.mark}"

        asking = self._askings.of(level, seed, share, self._next_sequence)
        self._talks = asking if isinstance(asking, Talks) else None

        def send(start: Start) -> AnySending:
            request_id = f"{prefix}-{self._sequence}"
            intended_ns = self.origin.since(start.intended_ns)
            row = Row(request_id, stage.index, start.user, start.phase, intended_ns)
            row.held_ns = start.held_ns
            if asking is not None:
                return asking.sending(start, row, partial(self.sending, row, outgoing, loop))
            return self.sending(row, outgoing, loop)

        stop = self._level_stop = self._stop.child()
        own = (level, share, seed, bounds, send, ledger, recorder, stop)
        loop = scheduler_of(*own, asking, self.scenario.reach.honor_retry_after)
        return Live(bounds, loop, ledger, glance, stage)


def headers_of(of_run: SecretHeaders, of_model: SecretHeaders) -> list[tuple[str, str]]:
    """Both, where a model's own replaces the run's of the same name, and any key the run's key.

    One that is empty only takes the run's away.
    """
    own = {name.lower() for name, _ in of_model}
    keyed = any(is_key_header(name) for name in own)
    kept = [
        (name, value)
        for name, value in of_run
        if name.lower() not in own and not (keyed and is_key_header(name))
    ]
    return kept + [(name, value) for name, value in of_model if value]


def make_wire(scenario: Scenario) -> Wire:
    """The transport that the scenario names; raises UsageError for files that it cannot use."""
    timeouts = Timeouts(
        scenario.connect_timeout_s, scenario.idle_timeout_s, scenario.total_timeout_s
    )
    context = context_of(scenario)
    reach = scenario.reach
    several = bool(reach.more_urls)
    if scenario.transport == "httpx":
        return HttpxWire(timeouts, context, reach, tells_peer=several)
    addresses = Addresses(spread=reach.dns == "spread", told=several)
    return FastTransport(timeouts, context, scenario.stamps == "auto", addresses)
