"""Outgoing: ready-made requests of one model. Pure: what varies is spliced into prepared bytes.

The body is encoded once a prompt, with a slot where the nonce goes; a request is then two slices
and a word. Its length never changes, so the headers are ready too, but for the request's id.
"""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import orjson

from tailrace import __version__
from tailrace.engine.dialects.delta import Ask, Dialect
from tailrace.engine.exchange import Prepared, head_bytes, origin_of
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.prompts import NONCE_CHARS, NONCE_SLOT, messages, nonce, prompt_index

_SLOT = orjson.dumps(NONCE_SLOT)[1:-1]


class Outgoing:
    """Makes the requests of one model; ``secret_headers`` are sent and never kept."""

    def __init__(
        self,
        scenario: Scenario,
        model: str,
        dialect: Dialect,
        secret_headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._scenario = scenario
        self.url = httpx.URL(scenario.base_url + dialect.path)
        self._origin = origin_of(self.url)
        self._id_given = any(name.lower() == "x-request-id" for name, _ in secret_headers)
        self._bodies = [
            dialect.body(ask(scenario, model, prompt)).split(_SLOT) for prompt in scenario.prompts
        ]
        self._headers = [_headers(self.url, parts, secret_headers) for parts in self._bodies]
        self._heads = [head_bytes("POST", self.url, headers) for headers in self._headers]

    def request(self, sequence: int, request_id: str) -> Prepared:
        """The ``sequence``-th request of the run."""
        scenario = self._scenario
        index = prompt_index(sequence, len(self._bodies))
        parts = self._bodies[index]
        word = nonce(scenario.salt, scenario.seed, sequence).encode() if len(parts) > 1 else b""
        own = b"" if self._id_given else b"x-request-id: %b\r\n" % request_id.encode()
        body = word.join(parts)
        return Prepared(
            self._origin,
            b"".join((self._heads[index], own, b"\r\n", body)),
            self.url,
            self._headers[index] if self._id_given else self._headers[index] + _id(request_id),
            body,
        )


def _id(request_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-request-id", request_id.encode())]


def ask(scenario: Scenario, model: str, prompt: str) -> Ask:
    """A prompt of the scenario as a dialect wants it."""
    return Ask(
        model=model,
        messages=messages(scenario, prompt),
        max_tokens=scenario.max_tokens,
        temperature=scenario.temperature,
        seed=scenario.seed if scenario.send_seed else None,
        stream_usage=scenario.stream_usage,
        extra=scenario.extra_body,
    )


def _headers(
    url: httpx.URL, parts: list[bytes], secret_headers: Sequence[tuple[str, str]]
) -> list[tuple[bytes, bytes]]:
    length = sum(map(len, parts)) + (len(parts) - 1) * NONCE_CHARS
    ours = [
        *common_headers(url),
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
    return merged(ours, secret_headers)


def common_headers(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    """Headers of every request, whatever it asks."""
    return [
        (b"host", url.netloc),
        (b"user-agent", f"tailrace/{__version__}".encode()),
        (b"accept", b"text/event-stream"),
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
