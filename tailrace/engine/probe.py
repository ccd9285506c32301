"""Probe: the first, cold request of a model, and what to say when it fails.

It is an ordinary request on the ordinary street, kept in the journal with phase ``cold`` and apart
from every percentile. It tells a model that is not there, a key that is refused, and an answer
that is no stream before any load is made.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from tailrace.engine.dialects.openai_models import models_of
from tailrace.engine.exchange import Exchange, WireError
from tailrace.engine.outgoing import common_headers, merged
from tailrace.engine.wire import Wire
from tailrace.hidden import without_secrets
from tailrace.results.schema import Row
from tailrace.scenarios.urls import endpoint

UNREACHABLE = frozenset(
    {"dns", "connect_refused", "connect_failed", "connect_timeout", "tls", "proxy", "idle_timeout"}
)
_LIST_BYTES = 1_000_000
_LISTED = 20


class Body:
    """A sink that keeps the body."""

    def __init__(self) -> None:
        self.data = bytearray()

    def on_headers(self) -> None:
        """Nothing to prepare."""

    def on_body(self, at_ns: int, data: bytes) -> None:
        """Keep, up to a bound."""
        if len(self.data) < _LIST_BYTES:
            self.data += data


async def ask_models(
    wire: Wire, base_url: str, secret_headers: Sequence[tuple[str, str]]
) -> tuple[int | None, bytes]:
    """Status and body of ``GET {base}/models``; raises WireError where no whole answer comes."""
    return await ask_url(wire, httpx.URL(endpoint(base_url, "/models")), secret_headers)


async def ask_url(
    wire: Wire, url: httpx.URL, secret_headers: Sequence[tuple[str, str]]
) -> tuple[int | None, bytes]:
    """Status and body of a GET; raises WireError where no whole answer comes."""
    body = Body()
    exchange = Exchange(body)
    headers = merged(common_headers(url), secret_headers)
    await wire.exchange(httpx.Request("GET", url, headers=headers), exchange)
    return exchange.status, without_secrets(bytes(body.data))


async def list_models(
    wire: Wire, base_url: str, secret_headers: Sequence[tuple[str, str]]
) -> list[str]:
    """Ids of ``GET {base}/models``; empty when the server does not say."""
    try:
        status, body = await ask_models(wire, base_url, secret_headers)
    except WireError:
        return []
    return [model.id for model in models_of(body)] if status == 200 else []


def advice(
    row: Row, base_url: str, model: str, served: list[str], dialect: str = "openai-chat"
) -> str:
    """One sentence on why the cold request failed and what would mend it."""
    reason = row.error or row.outcome
    if row.error_class in UNREACHABLE:
        return f"{base_url} cannot be reached: {reason}; is the server running there?"
    if row.error_class in ("http_401", "http_403"):
        return (
            f"{base_url} refused the request ({reason}); give the key as OPENAI_API_KEY or "
            "with --api-key-file"
        )
    if served and model not in served:
        shown = ", ".join(repr(name) for name in served[:_LISTED])
        more = f" and {len(served) - _LISTED} more" if len(served) > _LISTED else ""
        return f"{base_url} has no model {model!r} ({reason}); it has {shown}{more}"
    if row.error_class == "http_404":
        return (
            f"{base_url} answered 404 for model {model!r} ({reason}); check the URL's path, the "
            f"model's name and --dialect, which is {dialect}"
        )
    if row.error_class in ("not_sse", "not_ndjson"):
        return (
            f"{base_url} did not stream: {reason}; does it speak {dialect}? One "
            "that only answers whole is asked with --no-stream"
        )
    if row.error_class == "not_json":
        return (
            f"{base_url} did not answer with one JSON object: {reason}; does it speak "
            f"{dialect}? One that always streams is asked without --no-stream"
        )
    return f"{base_url} failed the first request of model {model!r}: {reason}"
