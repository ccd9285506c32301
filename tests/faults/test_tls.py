"""TLS that is not to be trusted, or that breaks off."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tailrace.engine.wire import FastTransport
from tests.cloud_server import CloudServer, serving
from tests.command import tailrace
from tests.engine.scripted_socket import answering
from tests.engine.test_wire import CHUNKED, failing

LONG_AGO = datetime.now(UTC) - timedelta(days=2)


def context_for(ca: trustme.CA, name: str, until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    began = None if until is None else until - timedelta(days=1)
    ca.issue_cert(name, not_before=began, not_after=until).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("name", "until", "told"),
    [
        ("127.0.0.1", LONG_AGO, "certificate has expired"),
        ("weir.example", None, "IP address mismatch"),
    ],
    ids=["expired", "wrong host"],
)
@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_certificate_that_does_not_hold_ends_the_run_with_its_reason(
    tmp_path: Path, name: str, until: datetime | None, told: str, transport: str
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serving(CloudServer(), context_for(ca, name, until)) as server:
        done = tailrace(
            *("run", "--url", server.url(scheme="https"), "-m", "sim", "-n", "2", "-q"),
            *("--ca-file", "ca.pem", "--transport", transport),
            cwd=tmp_path,
        )
    assert done.returncode == 3
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("pieces", "after", "classes"),
    [
        ((CHUNKED + b"4\r\nweir\r\n",), "reset", {"reset", "truncated"}),
        ((CHUNKED + b"4\r\nweir\r\n",), "close", {"truncated"}),
        ((), "close", {"connection_closed"}),
        ((), "reset", {"reset", "connection_closed"}),
    ],
)
@pytest.mark.asyncio
async def test_tls_that_breaks_off_has_its_class(
    pieces: tuple[bytes, ...], after: str, classes: set[str]
) -> None:
    ca = trustme.CA()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    async with answering(*pieces, after=after, tls=context_for(ca, "127.0.0.1")) as (url, _):
        error_class, exchange, sink = await failing(FastTransport(ssl_context=trusting), url)
    assert error_class in classes
    assert (sink.body == b"weir") == bool(pieces)
    assert exchange.closed_ns is None
