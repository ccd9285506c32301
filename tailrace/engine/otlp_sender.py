"""OTLP sender: spans to a collector by OTLP/HTTP, batch after batch on one connection.

Rule: what the specification says may pass (429, 502, 503, 504, no answer) is sent again after the
wait that Retry-After asks for, or a doubled one; all else is not. Ids follow from the run, so what
is sent twice is the same spans. Why not the SDK's exporter: it takes live span objects, and would
hold them; and the batches are OTLP's JSON already.
"""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import orjson

from tailrace.engine.exchange import causes
from tailrace.engine.otlp_endpoint import OtlpEndpoint
from tailrace.engine.otlp_protobuf import CONTENT_TYPE, OtlpProtobuf
from tailrace.engine.retry_rules import LONGEST_RETRY_AFTER_S, retry_after_s
from tailrace.engine.tls import trusting
from tailrace.errors import TargetError
from tailrace.results.export.otlp import Batch
from tailrace.results.render.text import safe_text

TRIES = 5
PAUSE_S = 1.0
_MAY_PASS = frozenset({429, 502, 503, 504})
_BY_JSON = frozenset({400, 415})
"""What a receiver of protobuf alone says to JSON."""
_SHOWN_CHARS = 300


@dataclass(slots=True)
class Sent:
    """What became of the spans so far."""

    batches: int = 0
    spans: int = 0
    rejected: int = 0
    """Of ``spans``, how many the collector said that it did not take."""
    words: list[str] = field(default_factory=list)
    """What it said, each once."""


class OtlpSender:
    """Sends to one endpoint; ``say`` is told of each wait."""

    def __init__(
        self,
        endpoint: OtlpEndpoint,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises UsageError where the CA file or protobuf cannot be used."""
        self._endpoint = endpoint
        self._say = say
        self._sleep = sleep
        self._jitter = Random()
        self._sent = Sent()
        trust = trusting(endpoint.ca_file, endpoint.ca_from)
        self._protobuf = OtlpProtobuf() if endpoint.protobuf else None
        self._client = httpx.Client(verify=trust, timeout=endpoint.timeout_s)

    def send(self, batches: Iterable[Batch]) -> Sent:
        """Every batch; raises TargetError at the first that cannot be delivered."""
        content_type = CONTENT_TYPE if self._protobuf else "application/json"
        headers = [*self._endpoint.headers, ("content-type", content_type)]
        if self._endpoint.gzip:
            headers.append(("content-encoding", "gzip"))
        with self._client:
            for batch in batches:
                body = self._encoded(batch.document)
                body = gzip.compress(body, 6) if self._endpoint.gzip else body
                answer = self._delivered(body, headers)
                self._sent.batches += 1
                self._sent.spans += batch.spans
                decode = self._protobuf.decode if self._protobuf else _object
                self._note(decode(answer.content).get("partialSuccess"))
        return self._sent

    def _encoded(self, document: dict[str, Any]) -> bytes:
        return self._protobuf.encode(document) if self._protobuf else orjson.dumps(document)

    def _delivered(self, body: bytes, headers: list[tuple[str, str]]) -> httpx.Response:
        for attempt in range(1, TRIES + 1):
            pause_s = PAUSE_S * 2 ** (attempt - 1) * (1 + self._jitter.random() / 4)
            try:
                answer = self._client.post(self._endpoint.url, content=body, headers=headers)
            except httpx.RequestError as exc:
                why = self._unanswered(exc, last=attempt == TRIES)
            else:
                if answer.is_success and "html" not in answer.headers.get("content-type", ""):
                    return answer
                asked_s = self._refused(answer, last=attempt == TRIES)
                pause_s = pause_s if asked_s is None else asked_s
                why = f"answers HTTP {answer.status_code}"
            self._say(f"{self._endpoint.url} {why}; sent again in {pause_s:.0f} s")
            self._sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    def _unanswered(self, exc: httpx.RequestError, *, last: bool) -> str:
        """Why there was no answer; raises TargetError where another try is no use."""
        if any(isinstance(cause, ssl.SSLError) for cause in causes(exc)):
            raise self._failed(
                f"has no certificate that is trusted ({exc}); name its CA in "
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "tls",
            ) from None
        if isinstance(exc, httpx.TimeoutException):
            why, error_class = f"did not answer in {self._endpoint.timeout_s:g} s", "timeout"
        else:
            why, error_class = f"cannot be reached ({exc or type(exc).__name__})", "unreachable"
        never = isinstance(exc, httpx.ConnectError) and not self._sent.batches
        if last or never:
            raise self._failed(f"{why}; is a collector running there?", error_class) from None
        return why

    def _refused(self, answer: httpx.Response, *, last: bool) -> float | None:
        """The wait that it asks for, if any; raises TargetError where another try is no use."""
        status, headers = answer.status_code, answer.headers
        if answer.is_success:
            raise self._failed(f"answers with a web page{_ADVICE[404]}", "no_collector")
        said = f"answers HTTP {status}" + self._words(answer)
        if status in _MAY_PASS and not last:
            asked_s = retry_after_s(headers.get("retry-after", ""), headers.get("date", ""))
            if asked_s is None or asked_s <= LONGEST_RETRY_AFTER_S:
                return asked_s
            said += f", and asks to wait {asked_s:.0f} s"
        advice = "" if self._protobuf and status in _BY_JSON else _ADVICE.get(status, "")
        raise self._failed(said + advice, f"http_{status}")

    def _words(self, answer: httpx.Response) -> str:
        """What the answer says, as OTLP's Status or as it stands."""
        text = _object(answer.content).get("message")
        if not isinstance(text, str):
            text = answer.content[: 4 * _SHOWN_CHARS].decode("utf-8", "replace")
        text = self._shown(text)
        return f": {text!r}" if text and "\ufffd" not in text else ""

    def _shown(self, text: str) -> str:
        return safe_text(self._endpoint.without_secrets(text), _SHOWN_CHARS)

    def _failed(self, what: str, error_class: str) -> TargetError:
        done = f" ({self._sent.spans} spans were sent before)" if self._sent.spans else ""
        return TargetError(f"{self._endpoint.url} {what}{done}", error_class)

    def _note(self, partial: Any) -> None:
        if not isinstance(partial, dict):
            return
        rejected, words = partial.get("rejectedSpans", 0), partial.get("errorMessage", "")
        if str(rejected).isdecimal():  # a 64-bit number may be written as text
            self._sent.rejected += int(rejected)
        if isinstance(words, str) and words:
            words = self._shown(words)
            if words not in self._sent.words and len(self._sent.words) < TRIES:
                self._sent.words.append(words)


_ADVICE = {
    400: "; it may take protobuf only: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    401: "; give the key in OTEL_EXPORTER_OTLP_HEADERS, as in authorization=Bearer%20KEY",
    403: "; check the key in OTEL_EXPORTER_OTLP_HEADERS",
    404: "; name the collector's OTLP/HTTP address, as in --to http://127.0.0.1:4318",
    405: "; name the collector's OTLP/HTTP address, as in --to http://127.0.0.1:4318",
    413: "; the collector's limit of a request's size is too small",
    415: "; it takes protobuf only: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
