"""StockTransport: httpx's own transport, which tells every lost connection as an error of httpx.

Why: httpx reads through anyio, which asks a new connection's socket for its peer. Under uvloop a
socket that the server has reset by then is None, and what came out was an AttributeError: no
failed request, but a run that ended in a traceback.
"""

from __future__ import annotations

import httpx


class StockTransport(httpx.AsyncHTTPTransport):
    """To be given to each ``httpx.AsyncClient``; takes what ``httpx.AsyncHTTPTransport`` takes."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx: raises only ``httpx.TransportError`` for what the network does."""
        try:
            return await super().handle_async_request(request)
        except AttributeError as exc:
            raise httpx.ConnectError("the connection was lost at once", request=request) from exc
