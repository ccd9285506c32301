"""Fleet: a crew of workers in processes of their own, on this machine.

What goes between them are JSON lines over the worker's standard input and output: what to run once,
then a level at a time ``prepare`` (answered when it is ready), ``hold`` (answered when it is held),
``cut`` and ``stop``; every second a worker says how it goes. A level begins at one moment of the
clock that all processes of a machine share, told ahead of time, so no message is in the way of its
start.

Rule: a worker that dies, or is silent when it should have ended, is lost: it is named, the level
ends for the rest, and no other begins, since the load would not be what was asked; unless a loss is
tolerated. Nothing is restarted. A worker ends when its standard input does, which is when this
process dies.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import zlib
from array import array
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tailrace.engine.child import end_child, start_child
from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.crew import Held
from tailrace.engine.exchange import WireError
from tailrace.engine.hand import Hand
from tailrace.engine.progress import Progress
from tailrace.engine.stop import Stop
from tailrace.engine.worker import SecretHeaders, Target
from tailrace.errors import TailraceError
from tailrace.results.facts import StageFacts
from tailrace.scenarios.model import Scenario

LEAD_NS = 150_000_000
START_S = 30.0
READY_S = 60.0
GRACE_S = 15.0
"""Beyond the level's own time, until a worker that says nothing is given up."""
_LINE_BYTES = 256 * 2**20


class FleetError(TailraceError):
    """Workers could not be started."""


class ChildLine:
    """A worker in a process of its own on this machine; see hand.Line."""

    node = ""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def send(self, line: bytes) -> None:
        """See Line.send."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self._process.stdin.write(line)

    async def lines(self) -> AsyncIterator[bytes]:
        """See Line.lines."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            yield line

    async def clock(self) -> None:
        """None: the processes of a machine share its clock."""

    async def fate(self) -> str:
        """See Line.fate."""
        code = await self._process.wait()
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"

    def kill(self) -> None:
        """See Line.kill."""
        self._process.kill()

    async def aclose(self) -> None:
        """See Line.aclose."""
        await end_child(self._process, 5)


class Fleet:
    """See crew.Crew."""

    def __init__(
        self,
        scenario: Scenario,
        origin: Origin,
        hands: Sequence[Hand],
        stop: Stop,
        lead_ns: int = LEAD_NS,
        tolerates_loss: bool = False,
    ) -> None:
        """``lead_ns``: the word to begin must have reached every worker well before."""
        self.lead_ns = lead_ns
        self._scenario = scenario
        self._origin = origin
        self._hands = list(hands)
        self._stop = stop
        self._tolerates_loss = tolerates_loss
        self._relay = asyncio.create_task(self._relay_stops())

    @classmethod
    async def start(
        cls,
        workers: int,
        scenario: Scenario,
        origin: Origin,
        folder: Path,
        secret_headers: SecretHeaders,
        stop: Stop,
        first_sequence: int = 0,
    ) -> Fleet:
        """Start that many processes; raises FleetError when one does not come up."""
        hands: list[Hand] = []
        try:
            for number in range(1, workers + 1):
                process = await start_child("tailrace.engine.worker_process", _LINE_BYTES)
                hands.append(Hand(number, ChildLine(process), stop))
                hands[-1].tell(
                    scenario=scenario,
                    origin=[origin.perf_ns, origin.wall_ns],
                    folder=os.path.abspath(folder),  # noqa: ASYNC240
                    secret_headers=secret_headers,
                    share=[number - 1, workers],
                    first_sequence=first_sequence,
                )
            for hand in hands:
                if await hand.answer(START_S) is None:
                    raise FleetError(f"the workers cannot start: {hand.lost}")
        except BaseException:
            await asyncio.gather(*(hand.aclose() for hand in hands))
            raise
        return cls(scenario, origin, hands, stop)

    async def prepare(self, target: Target, index: int) -> None:
        """See Crew.prepare; this is the barrier before a level."""
        await asyncio.gather(*(hand.look_at_clock() for hand in self._hands))
        for hand in self._hands:
            hand.progress = None
            origin = [hand.there(self._origin.perf_ns), self._origin.wall_ns]
            hand.tell(prepare=list(target), index=index, origin=origin)
        answers = await asyncio.gather(*(hand.answer(READY_S) for hand in self._hands))
        for answer in answers:
            if answer is not None and answer.get("error"):
                raise WireError("connect_failed", answer["error"])

    async def hold(self, target: Target, index: int, began_ns: int) -> Held:
        """See Crew.hold."""
        for hand in self._hands:
            hand.tell(hold=list(target), index=index, began_ns=hand.there(began_ns))
        within_s = self._longest_s(index, began_ns)
        answers = await asyncio.gather(*(self._held(hand, within_s) for hand in self._hands))
        begun = array("q")
        for answer in filter(None, answers):
            begun.frombytes(zlib.decompress(base64.b64decode(answer["begun"])))
        return Held(
            parts=[
                self._part(hand, answer)
                for hand, answer in zip(self._hands, answers, strict=True)
                if answer is not None
            ],
            progress=self.progress(),
            begun_ns=begun,
            lost=[hand.lost for hand in self._hands if hand.lost is not None],
        )

    async def _held(self, hand: Hand, within_s: float) -> dict[str, Any] | None:
        answer = await hand.answer(within_s)
        if answer is None and not self._tolerates_loss:
            self.cut()  # what is left is not the load that was asked for
        return answer

    def _part(self, hand: Hand, answer: dict[str, Any]) -> StageFacts:
        part = msgspec.convert(answer["stage"], StageFacts, str_keys=True)
        part.node, part.clock = hand.node, hand.clock
        return part

    def _longest_s(self, index: int, began_ns: int) -> float:
        """When a silent worker is given up; a level by requests may take as long as it likes."""
        level = self._scenario.levels[index]
        if level.duration_s is None:
            return float(7 * 86_400)
        lead_s = max(0.0, (began_ns - now_ns()) / 1e9)
        return lead_s + level.warmup_s + level.duration_s + self._scenario.drain_s + GRACE_S

    def cut(self) -> None:
        """See Crew.cut."""
        for hand in self._hands:
            hand.tell(cut=True)

    def progress(self) -> Sequence[Progress]:
        """See Crew.progress."""
        return [hand.progress for hand in self._hands if hand.progress is not None]

    async def _relay_stops(self) -> None:
        for level in (1, 2):
            await self._stop.wait(level)
            for hand in self._hands:
                hand.tell(stop=level)

    async def aclose(self) -> None:
        """See Crew.aclose."""
        self._relay.cancel()
        await asyncio.gather(self._relay, return_exceptions=True)
        await asyncio.gather(*(hand.aclose() for hand in self._hands))
