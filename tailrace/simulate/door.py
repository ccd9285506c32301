"""The door of the endpoint: its listening socket, which a fault may shut, for ever or for a while.

Rule: the port stays the same when it opens again.
Why: a server that is restarted is the same address to those who ask it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tailrace.simulate.arrival import begin_to_stamp

BACKLOG = 4096


class Door:
    """One listener; `open` it first."""

    def __init__(self, make: Callable[[], asyncio.Protocol], host: str, port: int) -> None:
        self._make = make
        self._address = (host, port)
        self._listener: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None
        self.shut_once = False

    async def open(self) -> None:
        """Listen; raises OSError where that cannot be."""
        host, port = self._address
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._make, host, port, backlog=BACKLOG)
        for listening in self._listener.sockets:
            begin_to_stamp(listening)
        self._address = self._listener.sockets[0].getsockname()[:2]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        return self._address

    def shut(self, again_s: float | None) -> None:
        """Take no more connections; open again after `again_s` where that is given."""
        self.shut_once = True
        self.close()
        if again_s is not None:
            self._opening = asyncio.get_running_loop().create_task(self._reopen(again_s))

    async def _reopen(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.open()

    def close(self) -> None:
        """Listen no more."""
        if self._opening is not None:
            self._opening.cancel()
        if self._listener is not None:
            self._listener.close()
