"""What ``tailrace check`` asks a model: two probes, then a burst of users at the same moment.

Rule: they are requests as a run sends them, over its transport and with its dialect, only shorter,
and none is kept. All stop at one deadline; what is cut counts as not seen.
"""

from __future__ import annotations

from dataclasses import replace

import anyio

from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.dialect_probe import CHAT, TURNED_AWAY, other_dialect
from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.exchange import WireError
from tailrace.engine.outgoing import Outgoing
from tailrace.engine.request import Attempt
from tailrace.engine.worker import SecretHeaders, make_wire
from tailrace.results.check_burst import BurstLook
from tailrace.results.check_model import ModelLook, Seen
from tailrace.results.schema import Row
from tailrace.results.server_kind import ServerName
from tailrace.scenarios.dialects import AUTO
from tailrace.scenarios.items import Source
from tailrace.scenarios.model import Scenario

HABIT_S = 0.05
"""After an answer, in which a server that closes connections does so."""


class Prober:
    """Asks models until ``deadline`` (anyio's clock); ``sent`` counts the requests."""

    def __init__(
        self, scenario: Scenario, source: Source, tokens: int, deadline: float, origin: Origin
    ) -> None:
        """``tokens`` is the longest answer that a probe asks for."""
        self._scenario = scenario
        self._source = source
        self._tokens = tokens
        self._deadline = deadline
        self._origin = origin
        self.sent = 0

    async def look(self, look: ModelLook, headers: SecretHeaders) -> None:
        """Fill in the probes of a model; raises nothing."""
        if self._over:
            look.not_asked = "not asked: the time of --within is over"
            return
        scenario, wished = self._scenario, look.dialect
        asker = self._asker(look, CHAT if wished == AUTO else wished, headers)
        try:
            look.first = await asker.ask()
            if wished == AUTO and look.first.row.error_class in TURNED_AWAY:
                found = await other_dialect(asker.wire, look.base_url, look.model, headers)
                if found is not None:
                    await asker.aclose()
                    asker = self._asker(look, found.dialect, headers)
                    look.dialect_from = found.how
                    look.first = await asker.ask()
            if look.answers:
                await anyio.sleep(HABIT_S)
                look.second = None if self._over else await asker.ask()
            elif _may_be_usage(look) and not self._over:
                without = replace(scenario, base_url=look.base_url, stream_usage=False)
                other = _Asker(self, without, look, headers)
                look.plain = await other.ask()
                await other.aclose()
        finally:
            await asker.aclose()

    def _asker(self, look: ModelLook, dialect: str, headers: SecretHeaders) -> _Asker:
        """For this dialect, which the look now names."""
        look.dialect = dialect
        asker = _Asker(self, replace(self._scenario, base_url=look.base_url), look, headers)
        look.streamed = asker.streamed
        return asker

    async def burst(
        self, look: ModelLook, headers: SecretHeaders, users: int, asked: int, server: ServerName
    ) -> BurstLook:
        """Ask it as many times at once; raises nothing."""
        rows: list[Row] = []
        problem = "not sent: the time of --within is over" if self._over else ""
        if not problem:
            scenario = replace(self._scenario, base_url=look.base_url)
            asker = _Asker(self, scenario, look, headers)
            try:
                await asker.connect(users)
                async with anyio.create_task_group() as group:

                    async def one() -> None:
                        rows.append((await asker.ask()).row)

                    for _ in range(users):
                        group.start_soon(one)
            finally:
                await asker.aclose()
        cut = sum(row.outcome == "cancelled" for row in rows)
        problem = f"{cut} cut off by --within" if cut else problem
        return BurstLook(look.group, users, asked, rows, server, look.streamed, problem)

    @property
    def _over(self) -> bool:
        return anyio.current_time() >= self._deadline


class _Asker:
    """Sends one model's probes on a wire of their own."""

    def __init__(
        self, prober: Prober, scenario: Scenario, look: ModelLook, headers: SecretHeaders
    ) -> None:
        self._prober = prober
        self._dialect = dialect_of(look.dialect)
        self.streamed = scenario.stream and self._dialect.framing != "whole"
        asked = replace(scenario, stream=self.streamed)
        self._outgoing = Outgoing(asked, look.model, self._dialect, headers, keep=False)
        self.wire = make_wire(scenario)

    async def connect(self, users: int) -> None:
        """Connect ahead; what fails is seen again when the requests are sent."""
        try:
            with anyio.CancelScope(deadline=self._prober._deadline):
                await self.wire.prepare(self._outgoing.url, users)
        except WireError:
            return

    async def ask(self) -> Seen:
        """One probe; cut at the deadline."""
        prober, number = self._prober, self._prober.sent
        prober.sent += 1
        item = replace(prober._source.item(number), max_tokens=prober._tokens)
        name = f"check-{number + 1}"
        row = Row(name, -1, 0, "cold", prober._origin.since(now_ns()), streamed=self.streamed)
        attempt = Attempt(row, self._dialect, prober._origin.perf_ns)
        with anyio.CancelScope(deadline=prober._deadline) as scope:
            await attempt.perform(self.wire, self._outgoing.request(item, number, name))
        if scope.cancelled_caught:
            attempt.cut().outcome = "cancelled"
            seen = f"{row.chunks} chunks" if row.chunks else "headers" if row.status else "nothing"
            row.error = f"no whole answer before the time of --within was over; {seen} came"
        return Seen(row, attempt.done)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.wire.aclose()


def _may_be_usage(look: ModelLook) -> bool:
    """Refused as a wrong request, of which ``stream_options`` may be the reason."""
    assert look.first is not None
    return look.usage_asked and look.streamed and look.first.row.status in (400, 422)
