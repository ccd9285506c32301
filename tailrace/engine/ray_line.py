"""RayLine: the run's end of a worker on a Ray cluster; see hand.Line.

Rule: the run asks for news, again and again, and asks on only when what came is on disk, so a head
that is slow holds nothing in memory. Every answer is due soon, be there news or not: a node that
says nothing is lost, whether it died or its network did; it is not asked for anything more, which
would only be waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from tailrace.engine.clock import now_ns
from tailrace.engine.ray_actor import News, Part
from tailrace.results.atomic import appending, own_folder
from tailrace.results.clock_facts import ClockFacts, Ping, clock_of

SILENT_S = 8.0
PINGS = 30
END_S = 15.0
_JOURNAL = re.compile(r"[A-Za-z0-9._-]+/requests\.\d+\.jsonl")


class RayLine:
    """Of one actor."""

    def __init__(self, actor: Any, node: str, folder: Path) -> None:
        self.node = node
        self._actor = actor
        self._folder = folder
        self._taken: dict[str, int] = {}
        self._fate = ""
        self._out_of_reach = False
        self._ended = asyncio.Event()

    def send(self, line: bytes) -> None:
        """See Line.send; what becomes of it the news tell."""
        with contextlib.suppress(RayError):
            self._actor.send.remote(line)

    async def lines(self) -> AsyncIterator[bytes]:
        """See Line.lines."""
        try:
            while not self._fate:
                news = await self._news()
                for line in news.lines:
                    yield line
        finally:
            self._ended.set()

    async def _news(self) -> News:
        """Its rows are on disk when this returns."""
        try:
            async with asyncio.timeout(SILENT_S):
                news = News(*await self._actor.news.remote(self._taken))
            for part in news.parts:
                self._keep(Part(*part))
        except TimeoutError:
            self._give_up(f"said nothing for {SILENT_S:g} s")
        except RayError as exc:
            self._give_up(f"was lost ({type(exc).__name__})")
        except OSError as exc:
            self._fate = f"was given up: its rows cannot be written: {exc.strerror}"
        else:
            self._fate = news.fate or ""
            return news
        return News([], [], None)

    def _give_up(self, why: str) -> None:
        """Its load ends too, as soon as it can be told: a link that heals brings it not back."""
        self._fate = why
        self._out_of_reach = True
        self.kill()

    def _keep(self, part: Part) -> None:
        """Append rows to the run's own journal; the name comes from another machine."""
        if not _JOURNAL.fullmatch(part.path) or part.path.startswith("."):
            raise OSError(0, f"{part.path!r} is no journal's name")
        path = self._folder / part.path
        own_folder(path.parent)
        with appending(path) as file:
            file.write(part.rows)
        self._taken[part.path] = part.at_bytes + len(part.rows)

    async def clock(self) -> ClockFacts | None:
        """See Line.clock; None from a node that does not answer, which the news will tell."""
        pings: list[Ping] = []
        with contextlib.suppress(RayError, TimeoutError):
            async with asyncio.timeout(SILENT_S):
                for _ in range(PINGS):
                    asked_ns = now_ns()
                    told_ns = await self._actor.clock.remote()
                    pings.append(Ping(asked_ns, told_ns, now_ns()))
        return clock_of(pings) if pings else None

    async def fate(self) -> str:
        """See Line.fate."""
        return self._fate

    def kill(self) -> None:
        """See Line.kill."""
        with contextlib.suppress(RayError):
            ray.kill(self._actor)

    async def aclose(self) -> None:
        """See Line.aclose: every row is fetched before the node forgets it."""
        if not self._out_of_reach:
            with contextlib.suppress(RayError, TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._actor.finish.remote()
                    await self._ended.wait()
                    await self._actor.clean.remote()
        self.kill()
