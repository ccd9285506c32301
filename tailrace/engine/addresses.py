"""Addresses: what a host's name stands for, and which of its addresses the next connection dials.

Rule: a name is looked up once, so that no lookup is part of a latency. ``pin`` keeps to the first
address that answers, because ``localhost`` may mean a dead ``::1`` first. ``spread`` dials all of
them in turn; one that does not answer is passed over for that connection only.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from tailrace.engine.exchange import Origin, WireError

Address = tuple[socket.AddressFamily, tuple[object, ...]]
"""Family, and what a socket of it is connected to."""
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


async def by_system(host: str, port: int) -> list[Address]:
    """What the system's resolver says; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


class Addresses:
    """Of every origin of one transport."""

    def __init__(
        self, spread: bool = False, told: bool = False, resolve: Resolve = by_system
    ) -> None:
        """``told``: rows are to keep the address that they went to; those that are spread do."""
        self._spread = spread
        self.told = told or spread
        self._resolve = resolve
        self._known: dict[Origin, list[Address]] = {}
        self._turn: dict[Origin, int] = {}

    async def to_dial(self, origin: Origin) -> Sequence[Address]:
        """Addresses to try for the next connection, in this order; raises WireError."""
        known = self._known.get(origin)
        if known is None:
            known = self._known[origin] = await self._looked_up(origin)
        if not self._spread:
            return known
        turn = self._turn.get(origin, 0) % len(known)
        self._turn[origin] = turn + 1
        return known[turn:] + known[:turn]

    def answered(self, origin: Origin, address: Address) -> None:
        """This one did: where addresses are pinned, it is from now on the only one."""
        if not self._spread and len(self._known[origin]) > 1:
            self._known[origin] = [address]

    async def _looked_up(self, origin: Origin) -> list[Address]:
        try:
            found = list(await self._resolve(origin[1], origin[2]))
        except socket.gaierror as exc:
            raise WireError(
                "dns", f"the host name {origin[1]!r} cannot be resolved: {exc.strerror}"
            ) from None
        if not found:
            raise WireError("dns", f"the host name {origin[1]!r} has no address")
        return found


def peer_text(address: Address) -> str:
    """``host:port`` as rows keep it, IPv6 in brackets."""
    host, port = address[1][:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
