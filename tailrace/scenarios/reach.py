"""Reach: how the endpoints are reached: which addresses, by what protocol, which proxy. Pure.

Rule: no secret is in it. Keys and passwords come from the environment or a file when they are
needed, so that a Reach may be kept in ``run.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DnsName = Literal["pin", "spread"]
AuthName = Literal["auto", "bearer", "api-key", "x-api-key", "none"]
FROM_ENVIRONMENT = "env"
"""As a proxy: whatever HTTPS_PROXY, HTTP_PROXY and NO_PROXY say of each URL."""

KEY_HEADERS = {"bearer": "Authorization", "api-key": "api-key", "x-api-key": "x-api-key"}
"""The header that carries the key, by what ``--auth`` names."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The defaults are one URL, its first address, HTTP/1.1, and no proxy."""

    more_urls: tuple[str, ...] = ()
    """Base URLs beside the first, over which users are spread in turn."""
    dns: DnsName = "pin"
    """Whether one address of a name is kept to, or all are dialled in turn."""
    http2: bool = False
    proxy: str | None = None
    """URL without user and password, or ``env``."""
    client_cert: str | None = None
    """PEM file that this client shows the server."""
    client_key: str | None = None
    honor_retry_after: bool = False
    """Whether a closed loop's user waits before its next request as long as a 429 or 503 asks."""

    @property
    def needs_httpx(self) -> str:
        """The options that only the stock client can do, in words; "" for none."""
        named = (("--http2", self.http2), ("--proxy", self.proxy is not None))
        return " and ".join(name for name, wanted in named if wanted)


def key_header(auth: str, key: str, azure: bool) -> tuple[str, str] | None:
    """Name and value of the header that carries a key; None for ``none``.

    ``auto`` is bearer, and ``api-key`` where Azure is asked.
    """
    if auth == "none":
        return None
    kind = ("api-key" if azure else "bearer") if auth == "auto" else auth
    return KEY_HEADERS[kind], f"Bearer {key}" if kind == "bearer" else key


def is_key_header(name: str) -> bool:
    """Whether a header carries a key."""
    return name.lower() in {header.lower() for header in KEY_HEADERS.values()}
