"""The parts of the wire that need no socket: bytes of a request, origins, addresses, errors."""

from __future__ import annotations

import errno
import ssl

import httpx
import pytest

from tailrace.engine.exchange import origin_of, tls_failed
from tailrace.engine.wire import address_text, connect_error, serialize


def test_a_request_as_bytes() -> None:
    request = httpx.Request(
        "POST",
        "http://h:8080/v1/chat/completions?a=b%20c#f",
        headers=[("Host", "h:8080"), ("X-A", "1"), ("x-a", "2"), ("Content-Length", "2")],
        content=b"{}",
    )
    assert serialize(request) == (
        b"POST /v1/chat/completions?a=b%20c HTTP/1.1\r\n"
        b"Host: h:8080\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_request_without_a_body() -> None:
    request = httpx.Request("GET", "http://h", headers=[("host", "h")])
    assert serialize(request) == b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"


def test_the_body_goes_out_byte_for_byte() -> None:
    body = bytes(range(256))
    request = httpx.Request("POST", "http://h/", stream=httpx.ByteStream(body), headers=[])
    assert serialize(request).split(b"\r\n\r\n", 1)[1] == body


def test_a_path_beyond_ascii_is_escaped() -> None:
    request = httpx.Request("GET", "http://h/\u00fc b", headers=[])
    assert serialize(request).startswith(b"GET /%C3%BC%20b HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("url", "origin", "text"),
    [
        ("http://h/v1", ("http", "h", 80), "h:80"),
        ("https://h/v1", ("https", "h", 443), "h:443"),
        ("http://h:8080", ("http", "h", 8080), "h:8080"),
        ("https://h:80", ("https", "h", 80), "h:80"),
        ("http://127.0.0.1:1", ("http", "127.0.0.1", 1), "127.0.0.1:1"),
        ("http://[::1]:8080/v1", ("http", "::1", 8080), "[::1]:8080"),
        ("http://[fe80::1]", ("http", "fe80::1", 80), "[fe80::1]:80"),
        ("HTTP://HOST", ("http", "host", 80), "host:80"),
    ],
)
def test_origins_and_addresses(url: str, origin: tuple[str, str, int], text: str) -> None:
    assert origin_of(httpx.URL(url)) == origin
    assert address_text(origin) == text


@pytest.mark.parametrize(
    ("exc", "error_class", "message"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connect_refused", "h:1 refused"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "connect_failed", "is unreachable"),
        (OSError("no address"), "connect_failed", "no connection to h:1: no address"),
    ],
)
def test_a_failed_connect_is_one_sentence(exc: OSError, error_class: str, message: str) -> None:
    error = connect_error(exc, ("http", "h", 1))
    assert error.error_class == error_class
    assert message in str(error)


@pytest.mark.parametrize(
    "said",
    [
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:992)"),
        ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF) (_ssl.c:992)"),
        ConnectionAbortedError(),
    ],
)
def test_a_handshake_that_is_cut_has_one_sentence_however_it_is_noticed(said: OSError) -> None:
    """Over stock httpx it depends on the moment which of them comes."""
    around = httpx.ConnectError(str(said))
    around.__cause__ = said
    for error in (said, around):
        assert "the connection was closed in the middle of the handshake" in str(tls_failed(error))


def test_what_else_fails_in_a_handshake_keeps_its_words() -> None:
    said = str(tls_failed(ssl.SSLCertVerificationError(1, "certificate has expired")))
    assert said == "TLS with the server failed: certificate has expired"
