"""Bounded: one request of the stock client, whose answer cannot fill the memory.

Rule: no answer of a server is taken whole that could be of any length, nor one that unpacks to it:
nothing packed is asked for, and what comes packed all the same counts unpacked.
"""

from __future__ import annotations

from typing import Any

import httpx

from tailrace.results.server_kind import Told

MOST_BYTES = 8_000_000


async def told(
    client: httpx.AsyncClient,
    method: str,
    url: httpx.URL | str,
    *,
    most_bytes: int = MOST_BYTES,
    **sent: Any,
) -> Told:
    """The answer, headers by lower-case name; raises httpx.HTTPError, for too long a body too."""
    headers = {"accept-encoding": "identity"} | sent.pop("headers", {})
    body = bytearray()
    async with client.stream(method, url, headers=headers, **sent) as answer:
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > most_bytes:
                raise httpx.RemoteProtocolError(f"the answer is longer than {most_bytes} bytes")
    found = {name.lower(): value for name, value in answer.headers.items()}
    return Told(answer.status_code, found, bytes(body))
