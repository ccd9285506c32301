"""The host's endpoint: chat completions of one adapter, on loopback, for who has the token.

Rule: the headers of a stream go out when its request is read, each token when it is yielded. What
fails before or in ``generate`` is an error event of that stream, and the host goes on.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import sys
import time
import traceback

from tailrace.adapter_host.adapter import Adapter, AdapterError
from tailrace.adapter_host.asks import Ask, read_ask
from tailrace.adapter_host.frames import Frames, error_body, usage_of
from tailrace.adapter_host.pouring import Pouring
from tailrace.simulate.chunks import json_message, stream_head
from tailrace.simulate.connection import Connection, Request

HOST = "127.0.0.1"
BACKLOG = 4096
_CHAT = b"/v1/chat/completions"


class Host:
    """The handler of every connection."""

    def __init__(self, adapter: Adapter, token: str) -> None:
        self._pouring = Pouring(adapter)
        self._bearer = b"Bearer " + token.encode()
        self._tasks: dict[Connection, asyncio.Task[None]] = {}
        self._clients = 0
        self._requests = 0

    def opened(self, connection: Connection) -> int:
        """Number the client."""
        self._clients += 1
        return self._clients

    def closed(self, connection: Connection) -> None:
        """End the call of a client that has left."""
        task = self._tasks.pop(connection, None)
        if task is not None:
            task.cancel()

    def head(self, connection: Connection, target: bytes, headers: dict[bytes, bytes]) -> None:
        """See Handler: nothing is answered before it is whole."""

    def malformed(self, connection: Connection) -> None:
        """Refuse what is not HTTP."""
        body = error_body("the request is not HTTP/1.1")
        connection.send(json_message(400, body, says_close=True))
        connection.close()

    def request(self, connection: Connection, request: Request) -> None:
        """Answer, at once or token by token."""
        path = request.target.partition(b"?")[0]
        if not hmac.compare_digest(request.headers.get(b"authorization", b""), self._bearer):
            self._at_once(connection, request, 401, error_body("this host serves one run only"))
        elif path == _CHAT and request.method == b"POST":
            self._chat(connection, request)
        elif path == b"/health":
            self._at_once(connection, request, 200, b'{"status":"ok"}')
        else:
            body = error_body("an adapter answers /chat/completions only")
            self._at_once(connection, request, 404, body)

    def _at_once(self, connection: Connection, request: Request, status: int, body: bytes) -> None:
        close = not request.keep_alive
        connection.send(json_message(status, body, says_close=close))
        connection.answered(keep=request.keep_alive)

    def _chat(self, connection: Connection, request: Request) -> None:
        try:
            ask = read_ask(request.body)
        except ValueError as exc:
            self._at_once(connection, request, 400, error_body(str(exc)))
            return
        self._requests += 1
        frames = Frames(self._requests, int(time.time()), ask.model)
        answer = self._streamed if ask.stream else self._whole
        task = asyncio.get_running_loop().create_task(answer(connection, request, ask, frames))
        self._tasks[connection] = task

    async def _streamed(
        self, connection: Connection, request: Request, ask: Ask, frames: Frames
    ) -> None:
        name = request.headers.get(b"x-request-id", b"")
        connection.send(stream_head(name, not request.keep_alive))

        def emit(token: str) -> None:
            if not connection.gone:
                connection.send(frames.delta(token))

        try:
            spent = await self._pouring.pour(ask, emit)
        except AdapterError as error:
            tail = frames.error(_noted(error))
        else:
            usage = usage_of(spent.prompt_tokens, spent.completion_tokens)
            reason = "length" if spent.cut else "stop"
            tail = frames.end(reason, usage if ask.include_usage else None)
        self._end(connection, request, tail)

    async def _whole(
        self, connection: Connection, request: Request, ask: Ask, frames: Frames
    ) -> None:
        texts: list[str] = []
        close = not request.keep_alive
        try:
            spent = await self._pouring.pour(ask, texts.append)
        except AdapterError as error:
            message = json_message(500, error_body(_noted(error)), says_close=close)
        else:
            usage = usage_of(spent.prompt_tokens, spent.completion_tokens)
            body = frames.whole("".join(texts), "length" if spent.cut else "stop", usage)
            message = json_message(200, body, says_close=close)
        self._end(connection, request, message)

    def _end(self, connection: Connection, request: Request, last: bytes) -> None:
        self._tasks.pop(connection, None)  # first: it must not be cancelled by its own end
        if not connection.gone:
            connection.send(last)
            connection.answered(keep=request.keep_alive)


def _noted(error: AdapterError) -> str:
    """The sentence; where it comes from goes to standard error, which is the log."""
    if error.__cause__ is not None:
        traceback.print_exception(error.__cause__)
    print(error, file=sys.stderr, flush=True)
    return str(error)


def bound(port: int) -> socket.socket:
    """The port, held but not yet open, so that nobody takes it while the adapter is loaded."""
    listener = socket.socket()
    try:
        listener.bind((HOST, port))
    except OSError as exc:
        listener.close()
        raise AdapterError(f"adapter cannot be asked on port {port}: {exc.strerror}") from None
    return listener


async def serve(adapter: Adapter, token: str, listener: socket.socket) -> None:
    """Serve until the process is ended."""
    host = Host(adapter, token)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(host), sock=listener, backlog=BACKLOG)
    await server.serve_forever()
