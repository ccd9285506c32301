"""The look at a server, against small ones of our own: names, doors, TLS, lists."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tailrace.engine.check_server import ServerAsked
from tailrace.results.check_server import ServerLook, server_rows
from tailrace.scenarios.model import Level, Scenario

LISTED = {"data": [{"id": "m", "owned_by": "vllm", "status": "loaded"}, {"id": "n"}]}
PAGES: dict[str, Any] = {
    "GET /v1/models": LISTED,
    "GET /version": {"version": "0.11.0"},
    "POST /v1/chat/completions": 400,
    "POST /v1/responses": 422,
}


@asynccontextmanager
async def served(
    pages: Mapping[str, Any], context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server of some pages; yields its port and what it was sent, but for GETs."""
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.decode("latin-1").split(" ", 2)
            if method == "POST":
                bodies.append(await reader.read(1))
            page = pages.get(f"{method} {path}", 404)
            status = page if isinstance(page, int) else 200
            body = b"" if isinstance(page, int) else json.dumps(page).encode()
            lines = (f"HTTP/1.1 {status} x", f"content-length: {len(body)}", "connection: close")
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], bodies


def scenario(url: str, **more: Any) -> Scenario:
    return Scenario(url, ("m",), (Level(1, 0.0, 1.0, None),), **more)


async def seen(url: str, **more: Any) -> ServerLook:
    return await ServerAsked(scenario(url, **more), url, (("Authorization", "Bearer k"),)).see()


def test_lists_versions_and_apis_are_asked() -> None:
    async def main() -> None:
        async with served(PAGES) as (port, bodies):
            url = f"http://127.0.0.1:{port}/v1"
            asked = ServerAsked(scenario(url), url, ())
            look = await asked.see()
        assert look.literal
        assert look.usable
        assert not look.key_given
        assert look.listing is not None
        assert (look.listing.ids, look.listing.loaded) == (("m", "n"), ("m",))
        assert (look.server.name, look.server.version) == ("vLLM", "0.11.0")
        assert [one.name for one in look.paths if one.there] == ["chat", "responses"]
        assert set(bodies) == {b"{"}  # no JSON: nothing that a model could be made to work on
        assert asked.lookups == 1 + 11 + 4 + 6

    asyncio.run(main())


def test_nobody_there() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        look = asyncio.run(seen(f"http://127.0.0.1:{port}/v1"))
    assert look.addresses[0].refused
    assert not look.reached
    assert look.listing is None


def test_a_name_that_nobody_knows() -> None:
    look = asyncio.run(seen("http://no-such-host.invalid/v1"))
    assert "'no-such-host.invalid' cannot be resolved" in look.resolve_problem


def test_localhost_that_is_ipv6_first(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def six_first(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        found = real("127.0.0.1", port, *rest, **more)
        dead = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
        return [dead, *found] if host == "localhost" else found

    monkeypatch.setattr(socket, "getaddrinfo", six_first)

    async def main() -> ServerLook:
        async with served(PAGES) as (port, _):
            return await seen(f"http://localhost:{port}/v1")

    look = asyncio.run(main())
    rows = {row.name: row for row in server_rows(look)}
    assert [one.address for one in look.addresses] == ["::1", "127.0.0.1"]
    assert rows["name"].status == "warn"
    assert "write 127.0.0.1 in place of localhost" in rows["name"].fix
    assert rows["connect"].status == "ok"
    assert look.key_given


def test_tls_is_told_or_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    async def main() -> tuple[ServerLook, ServerLook, ServerLook]:
        async with served(PAGES, context) as (port, _):
            url = f"https://localhost:{port}/v1"
            good = await seen(url, ca_file=str(tmp_path / "ca.pem"))
            return good, await seen(url), await seen(url, insecure=True)

    good, strange, careless = asyncio.run(main())
    assert good.tls is not None
    assert good.tls.version.startswith("TLSv1.")
    assert good.tls.days_left is not None
    assert good.tls.days_left > 0
    assert good.listing is not None
    assert good.listing.ids == ("m", "n")
    assert strange.tls is not None
    assert strange.tls.untrusted
    assert strange.listing is None
    assert careless.tls is not None
    assert careless.tls.days_left is None
    assert careless.usable
    assert careless.insecure


def test_a_server_without_tls_is_told_from_one_that_is_not_trusted() -> None:
    async def main() -> ServerLook:
        async with served(PAGES) as (port, _):
            return await seen(f"https://127.0.0.1:{port}/v1")

    look = asyncio.run(main())
    assert look.tls is not None
    assert look.tls.problem.startswith("no handshake")
    assert not look.tls.untrusted
