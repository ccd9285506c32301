"""A relay in a thread of the test, as a bad network: late, narrow, stopped, or cut.

What a client sends to its URL is passed on to an address, and the answers back, each piece when it
is due. The settings may be changed while it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.threaded import Tell, serving_on_loop

PIECE_BYTES = 4096


@dataclass
class Road:
    """What the relay does to every piece, in each direction."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Up to so much more, drawn anew for each piece; order is kept."""
    bytes_per_s: float | None = None
    stops: tuple[float, float] = (0.0, 0.0)
    """It stops at the end of every so many seconds, for so many."""
    cut: bool = False
    """Nothing is passed on, and nothing is closed."""

    def is_shut(self) -> bool:
        every_s, for_s = self.stops
        return self.cut or (every_s > 0 and time.monotonic() % every_s >= every_s - for_s)


class Relay:
    """Serves one address."""

    def __init__(self, host: str, port: int, road: Road) -> None:
        self._to = (host, port)
        self._road = road
        self._dice = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to)
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        passing = asyncio.create_task(self._pass_on(waiting, writer))
        try:
            data = b"."
            while data:
                data = await reader.read(PIECE_BYTES)
                late_s = self._road.delay_s + self._dice.random() * self._road.jitter_s
                waiting.put_nowait((time.monotonic() + late_s, data))
            await passing
        except ConnectionError:
            writer.close()
        finally:
            passing.cancel()

    async def _pass_on(
        self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(due - time.monotonic())
                while self._road.is_shut():
                    await asyncio.sleep(0.005)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
                if self._road.bytes_per_s:
                    await asyncio.sleep(len(data) / self._road.bytes_per_s)
        writer.close()

    def end(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()


@contextlib.contextmanager
def relayed(host: str, port: int, road: Road) -> Iterator[str]:
    """The base URL of a relay on the loopback."""

    async def serve(tell: Tell) -> None:
        relay = Relay(host, port, road)
        listener = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
        tell(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1")
        try:
            await asyncio.Event().wait()
        finally:
            listener.close()
            relay.end()

    with serving_on_loop(serve) as url:
        yield url
