"""A TCP server that answers with exactly the bytes it is told, for tests of the wire."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Connections:
    """Counts what the server saw."""

    def __init__(self) -> None:
        self.opened = 0
        self.requests: list[bytes] = []


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request, head and content-length body; empty at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def answering(
    *pieces: bytes | float,
    after: str = "keep",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[str, Connections]]:
    """Serve each request with ``pieces``: bytes are sent, floats are seconds of silence.

    ``after``: keep the connection, close it, reset it, or hang. Yields (base URL, Connections).
    """
    seen = Connections()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.opened += 1
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while request := await read_request(reader):
                seen.requests.append(request)
                for piece in pieces:
                    if isinstance(piece, float):
                        await asyncio.sleep(piece)
                    else:
                        writer.write(piece)
                        await writer.drain()
                if after == "close":
                    break
                if after == "reset":
                    reset(writer)
                    return
                if after == "hang":
                    await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}", seen
    finally:
        server.close()


def chunked(*parts: bytes) -> bytes:
    """A chunked body."""
    framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return framed + b"0\r\n\r\n"
