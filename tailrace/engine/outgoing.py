"""Outgoing: ready-made requests of one model. Pure: what varies is spliced into prepared bytes.

The body of an item is encoded once, with a slot where the nonce goes; a request is then two slices
and a word. Its length never changes, so the headers are ready too, but for the request's id. Items
that are asked once, or too many to keep, are encoded when they are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import httpx
import orjson

from tailrace import __version__
from tailrace.engine.dialects.delta import Ask, Dialect, url_of
from tailrace.engine.exchange import Prepared, head_bytes, origin_of
from tailrace.scenarios.items import Item
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.prompts import NONCE_CHARS, NONCE_SLOT, messages, nonce

_SLOT = orjson.dumps(NONCE_SLOT)[1:-1]
EVENTS, JSON = b"text/event-stream", b"application/json"
ACCEPTED = {"sse": EVENTS, "ndjson": b"application/x-ndjson", "whole": JSON}
KEPT_BYTES = 64 * 2**20
"""Encoded bodies that are kept, at most."""


class Ready(NamedTuple):
    """An item encoded for one model: what is the same in every request that asks it."""

    parts: list[bytes]
    """The body, cut where the nonce goes."""
    headers: list[tuple[bytes, bytes]]
    head: bytes


class Outgoing:
    """Makes the requests of one model; ``secret_headers`` are sent and never kept."""

    def __init__(
        self,
        scenario: Scenario,
        model: str,
        dialect: Dialect,
        secret_headers: Sequence[tuple[str, str]] = (),
        keep: bool = True,
    ) -> None:
        """``keep``: an item may be asked again, so its encoded body is worth keeping."""
        self._scenario = scenario
        self._model = model
        self._dialect = dialect
        self._secret_headers = secret_headers = dialect.headers(secret_headers)
        self.url = httpx.URL(url_of(scenario.base_url, dialect))
        self._origin = origin_of(self.url)
        self._id_given = any(name.lower() == "x-request-id" for name, _ in secret_headers)
        self._ready: dict[int, tuple[Item, Ready]] = {}
        """By the item's identity: no two items of a list need differ in their ids."""
        self._room_bytes = KEPT_BYTES if keep else 0

    def request(self, item: Item, sequence: int, request_id: str) -> Prepared:
        """The ``sequence``-th request of the run, asking ``item``."""
        scenario = self._scenario
        kept = self._ready.get(id(item))
        ready = self._encode(item) if kept is None else kept[1]
        parts = ready.parts
        word = nonce(scenario.salt, scenario.seed, sequence).encode() if len(parts) > 1 else b""
        own = b"" if self._id_given else b"x-request-id: %b\r\n" % request_id.encode()
        body = word.join(parts)
        return Prepared(
            self._origin,
            b"".join((ready.head, own, b"\r\n", body)),
            self.url,
            ready.headers if self._id_given else ready.headers + _id(request_id),
            body,
        )

    def _encode(self, item: Item) -> Ready:
        parts = self._dialect.body(ask(self._scenario, self._model, item)).split(_SLOT)
        accept = ACCEPTED[self._dialect.framing] if self._scenario.stream else JSON
        headers = _headers(self.url, parts, self._secret_headers, accept)
        ready = Ready(parts, headers, head_bytes("POST", self.url, headers))
        if self._room_bytes > 0:
            self._room_bytes -= sum(map(len, parts))
            self._ready[id(item)] = item, ready
        return ready


def _id(request_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-request-id", request_id.encode())]


def ask(scenario: Scenario, model: str, item: Item) -> Ask:
    """An item as a dialect wants it, with the scenario's settings where it has none."""
    return Ask(
        model=item.model or model,
        messages=messages(scenario, item),
        max_tokens=scenario.max_tokens if item.max_tokens is None else item.max_tokens,
        temperature=scenario.temperature,
        seed=scenario.seed if scenario.send_seed else None,
        stream_usage=scenario.stream_usage,
        extra=scenario.extra_body | item.extra,
        stream=scenario.stream,
    )


def _headers(
    url: httpx.URL, parts: list[bytes], secret_headers: Sequence[tuple[str, str]], accept: bytes
) -> list[tuple[bytes, bytes]]:
    length = sum(map(len, parts)) + (len(parts) - 1) * NONCE_CHARS
    ours = [
        *common_headers(url, accept),
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
    return merged(ours, secret_headers)


def common_headers(url: httpx.URL, accept: bytes = EVENTS) -> list[tuple[bytes, bytes]]:
    """Headers of every request, whatever it asks."""
    return [
        (b"host", url.netloc),
        (b"user-agent", f"tailrace/{__version__}".encode()),
        (b"accept", accept),
        (b"accept-encoding", b"identity"),
    ]


def merged(
    ours: list[tuple[bytes, bytes]], given: Sequence[tuple[str, str]]
) -> list[tuple[bytes, bytes]]:
    """A header that the user gives replaces ours of that name, but for the length of the body."""
    theirs = [(name.lower().encode(), value.encode()) for name, value in given]
    theirs = [header for header in theirs if header[0] != b"content-length"]
    names = {name for name, _ in theirs}
    return [header for header in ours if header[0] not in names] + theirs
