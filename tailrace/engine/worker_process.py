"""The worker's own process, ``python -m tailrace.engine.worker_process``; ``fleet.py`` talks to it.

Rule: standard output carries the messages and nothing else. The process ends when its standard
input does; what it had measured is in its journal by then.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import os
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tailrace.engine.clock import Origin
from tailrace.engine.exchange import WireError
from tailrace.engine.guard import be_deaf
from tailrace.engine.limits import require_open_files
from tailrace.engine.load import Share
from tailrace.engine.loops import choose_loop
from tailrace.engine.stop import Stop
from tailrace.engine.tls import PASSWORD
from tailrace.engine.worker import Target, Worker
from tailrace.hidden import guard_tracebacks, hide, hide_headers
from tailrace.lean import start_lean
from tailrace.results.files import RunFolder
from tailrace.results.lock import Lock
from tailrace.scenarios.model import Scenario

PROGRESS_S = 1.0


class Orders(msgspec.Struct):
    """The first message."""

    scenario: Scenario
    origin: tuple[int, int]
    folder: str
    secret_headers: list[tuple[str, str]]
    share: tuple[int, int]
    first_sequence: int = 0
    client_key_password: str = ""
    """Of a run elsewhere, with its key; on the run's own machine it is in the environment."""


class Post:
    """The other end of the pipe."""

    def __init__(self, orders: Orders, out: BinaryIO) -> None:
        self._out = out
        self._stop = Stop()
        share = Share(*orders.share)
        self.worker = Worker(
            orders.scenario,
            Origin(*orders.origin),
            RunFolder(Path(orders.folder)),
            orders.secret_headers,
            self._stop,
            share,
            part=share.worker + 1,
            first_sequence=orders.first_sequence,
        )
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def deliver(self, message: dict[str, Any] | None) -> None:
        """A message has come; a stop overtakes those that wait."""
        if message is not None and "stop" in message:
            while self._stop.level < message["stop"]:
                self._stop.ask()
            return
        if message is not None and "cut" in message:
            self.worker.cut()
            return
        self._messages.put_nowait(message)

    def say(self, **message: Any) -> None:
        """One line to the fleet."""
        self._out.write(msgspec.json.encode(message) + b"\n")
        self._out.flush()

    async def serve(self) -> None:
        """Until there are no more messages."""
        self.say(ready=True)
        telling = asyncio.create_task(self._tell())
        try:
            while (message := await self._messages.get()) is not None:
                if "prepare" in message:
                    self.worker.origin = Origin(*message["origin"])
                    await self._prepare(Target(*message["prepare"]), message["index"])
                else:
                    await self._hold(Target(*message["hold"]), message)
        finally:
            telling.cancel()
            await self.worker.aclose()

    async def _prepare(self, target: Target, index: int) -> None:
        error = None
        hide_headers(target.headers)
        try:
            await self.worker.prepare(target, self.worker.scenario.levels[index])
        except WireError as exc:
            error = str(exc)
        gc.collect()
        gc.freeze()
        self.say(ready=True, error=error)

    async def _hold(self, target: Target, message: dict[str, Any]) -> None:
        stage = await self.worker.hold(target, message["index"], message["began_ns"])
        begun = zlib.compress(self.worker.loop_begun.tobytes())
        self.say(progress=self.worker.progress())
        built = msgspec.to_builtins(stage, str_keys=True)
        self.say(stage=built, begun=base64.b64encode(begun).decode())

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            progress = self.worker.progress()
            if progress is not None:
                self.say(progress=progress)


async def _work(first: bytes, messages: BinaryIO, out: BinaryIO) -> None:
    orders = msgspec.json.decode(first, type=Orders)
    hide_headers(orders.secret_headers)
    if orders.client_key_password:
        hide(orders.client_key_password)
        os.environ[PASSWORD] = orders.client_key_password
    require_open_files(orders.scenario.most_users)
    lock = Lock(Path(orders.folder))
    post = Post(orders, out)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in messages:
            loop.call_soon_threadsafe(post.deliver, msgspec.json.decode(line))
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(post.deliver, None)
        time.sleep(2)  # a level may be under way and would end by itself only much later
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    await post.serve()
    lock.release()


def main() -> None:
    """Take the orders, then serve."""
    guard_tracebacks()
    be_deaf()
    messages, out = sys.stdin.buffer, sys.stdout.buffer
    first = messages.readline()
    if not first:
        return
    orders = msgspec.json.decode(first)
    _, factory = choose_loop(orders["scenario"]["loop"])
    start_lean()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_work(first, messages, out))
    os._exit(0)  # the reading thread sits in a read that may never end


if __name__ == "__main__":
    main()
