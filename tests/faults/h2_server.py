"""An HTTP/2 endpoint, frame by frame, whose every second answer breaks off as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from tests.threaded import Tell, serving_on_loop

from .asgi_server import BEFORE_THE_FAULT, CHUNKS, END, GAP_S, WORD

HEADERS = [(":status", "200"), ("content-type", "text/event-stream")]
Talk = h2.connection.H2Connection


def reset_stream(talk: Talk, stream: int) -> bytes:
    talk.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
    return talk.data_to_send()


def goaway(talk: Talk, stream: int) -> bytes:
    talk.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
    return talk.data_to_send()


def short_body(talk: Talk, stream: int) -> bytes:
    """Ends the stream before the length that ``HEADERS`` of this fault promise."""
    talk.end_stream(stream)
    return talk.data_to_send()


def bad_frame(talk: Talk, stream: int) -> bytes:
    """DATA on stream 0, which no frame of that kind may be on (RFC 9113, section 6.1)."""
    return b"\x00\x00\x04\x00\x00\x00\x00\x00\x00weir"


def not_http2(talk: Talk, stream: int) -> bytes:
    return b"HTTP/1.1 500 Internal Server Error\r\n\r\n" * 20


def close(talk: Talk, stream: int) -> bytes:
    return b""


Fault = Callable[[Talk, int], bytes]
FAULTS: tuple[Fault, ...] = (*(reset_stream, goaway, short_body, bad_frame, not_http2, close),)
CLOSING = (goaway, not_http2, close)


class Endpoint:
    """Serves any number of connections."""

    def __init__(self, fault: Fault, after: int) -> None:
        """``after`` so many chunks; 0 is before the headers."""
        self._fault, self._after = fault, after
        self._asked = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(h2.config.H2Configuration(client_side=False))
        talk.initiate_connection()
        writer.write(talk.data_to_send())
        try:
            while data := await reader.read(65536):
                for event in talk.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        task = asyncio.create_task(self._answer(talk, event.stream_id, writer))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
                writer.write(talk.data_to_send())
        except (ConnectionError, h2.exceptions.ProtocolError):
            pass
        writer.close()

    async def _answer(self, talk: Talk, stream: int, writer: asyncio.StreamWriter) -> None:
        self._asked += 1
        struck = self._asked % 2 == 0
        if struck and self._after == 0:
            self._strike(talk, stream, writer)
            return
        promised = [("content-length", "100000")] if self._fault is short_body and struck else []
        talk.send_headers(stream, HEADERS + promised)
        for _ in range(self._after if struck else CHUNKS):
            talk.send_data(stream, WORD)
            writer.write(talk.data_to_send())
            await asyncio.sleep(GAP_S)
        if struck:
            self._strike(talk, stream, writer)
            return
        talk.send_data(stream, END, end_stream=True)
        writer.write(talk.data_to_send())

    def _strike(self, talk: Talk, stream: int, writer: asyncio.StreamWriter) -> None:
        writer.write(self._fault(talk, stream))
        if self._fault in CLOSING:
            writer.close()


@contextmanager
def speaking_http2(
    context: ssl.SSLContext, fault: Fault, after: int = BEFORE_THE_FAULT
) -> Iterator[str]:
    """Its base URL."""
    context.set_alpn_protocols(["h2"])

    async def serve(tell: Tell) -> None:
        endpoint = Endpoint(fault, after)
        server = await asyncio.start_server(endpoint.accept, "127.0.0.1", 0, ssl=context)
        tell(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    with serving_on_loop(serve) as url:
        yield url
