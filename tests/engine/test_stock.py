"""A connection that is lost as it is made is a failed request, and nothing worse."""

from __future__ import annotations

import asyncio
import gc

import httpx
import pytest
from anyio._backends._asyncio import SocketStream

from tailrace.engine.stock import StockTransport
from tailrace.simulate import Script, background


async def ask(url: str) -> None:
    async with httpx.AsyncClient(transport=StockTransport(trust_env=False)) as client:
        await client.get(url)


def test_a_socket_that_is_gone_is_an_error_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """As uvloop gives it for a connection that the server has reset meanwhile, now and then."""
    monkeypatch.setattr(SocketStream, "_raw_socket", None)
    with background(Script()) as url, pytest.raises(httpx.TransportError, match="lost at once"):
        asyncio.run(ask(f"{url}/models"))
    gc.collect()  # of the socket that nobody closed: later, it breaks into whatever runs then
