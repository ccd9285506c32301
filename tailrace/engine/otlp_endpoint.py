"""OTLP endpoint: where spans are sent, and how, as OpenTelemetry's own variables say. Pure.

Rule: a variable of traces alone (``OTEL_EXPORTER_OTLP_TRACES_…``) goes before the common one. A
common endpoint, and ``--to``, is a base that ``/v1/traces`` is put on; that of traces alone is used
as it is. The values of headers are secrets: no message has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlunsplit

from tailrace.errors import UsageError
from tailrace.scenarios.urls import endpoint, web_url

_LIKE = "http://127.0.0.1:4318"
_INSTEAD = "give it in OTEL_EXPORTER_OTLP_HEADERS, as in authorization=Bearer%20KEY"
TIMEOUT_S = 10.0
"""The specification's own."""
_PATH = "/v1/traces"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~ \t]*")


@dataclass(frozen=True, slots=True)
class OtlpEndpoint:
    """What a sender needs to know."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = TIMEOUT_S
    """Of one request."""
    gzip: bool = False
    protobuf: bool = False
    """Whether it is to be sent protobuf, and not JSON."""
    ca_file: str | None = None
    ca_from: str = ""
    """The variable that named it."""

    def without_secrets(self, text: str) -> str:
        """A server's words, in which no header's value is repeated."""
        for _, value in self.headers:
            for secret in (value, value.rpartition(" ")[2]):
                text = text.replace(secret, "…") if len(secret) > 3 else text
        return text


def otlp_endpoint(to: str | None, environment: Mapping[str, str]) -> OtlpEndpoint:
    """``--to`` with what the variables say; None takes the URL from them as well.

    Raises UsageError that names the option or variable.
    """
    timeout, compression = (_variable(environment, name) for name in ("TIMEOUT", "COMPRESSION"))
    certificate, protocol = (_variable(environment, name) for name in ("CERTIFICATE", "PROTOCOL"))
    if compression.value not in ("", "none", "gzip"):
        raise UsageError(f"{compression.name}={compression.value!r} must be gzip or none")
    return OtlpEndpoint(
        _url(to, environment),
        _headers(_variable(environment, "HEADERS")),
        _seconds(timeout),
        compression.value == "gzip",
        protocol.value == "http/protobuf",
        certificate.value or None,
        certificate.name,
    )


class _Variable(NamedTuple):
    name: str
    value: str


def _variable(environment: Mapping[str, str], name: str) -> _Variable:
    of_traces = f"OTEL_EXPORTER_OTLP_TRACES_{name}"
    found = of_traces if environment.get(of_traces) else f"OTEL_EXPORTER_OTLP_{name}"
    return _Variable(found, environment.get(found, "").strip())


def _url(to: str | None, environment: Mapping[str, str]) -> str:
    if to is not None:
        given = _Variable("--to", to)
    else:
        given = _variable(environment, "ENDPOINT")
        if not given.value:
            raise UsageError(f"--to env: {given.name} is not set, as in {given.name}={_LIKE}")
        protocol = _variable(environment, "PROTOCOL")
        if protocol.value == "grpc":
            raise UsageError(
                f"{protocol.name} is grpc, and tailrace sends by HTTP: name the collector's HTTP "
                f"port, as in --to {_LIKE}"
            )
    url = urlunsplit(web_url(given.value, given.name, _LIKE, _INSTEAD))
    as_it_is = "TRACES" in given.name or url.endswith(_PATH)
    return url if as_it_is else endpoint(url, _PATH)


def _headers(given: _Variable) -> tuple[tuple[str, str], ...]:
    """``key=value,key=value``, the values percent-encoded."""
    found = []
    for number, part in enumerate(filter(None, map(str.strip, given.value.split(","))), 1):
        name, equals, value = (each.strip() for each in part.partition("="))
        value = unquote(value)
        if not (equals and _NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise UsageError(
                f"{given.name}: header {number} is not written key=value, with %XX for what is "
                "not plain ASCII, and commas between headers"
            )
        found.append((name.lower(), value))
    return tuple(found)


def _seconds(given: _Variable) -> float:
    if not given.value:
        return TIMEOUT_S
    if not given.value.isdecimal() or not int(given.value):
        raise UsageError(f"{given.name}={given.value!r} must be milliseconds, like 10000")
    return int(given.value) / 1000
