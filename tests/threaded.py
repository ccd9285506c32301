"""Servers in a thread of the test: how one is put up on a port of its own, and taken down."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiohttp import web

Tell = Callable[[str], None]
"""Takes the URL of a server that is up."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The root URL of a server of these answers, which logs nothing."""
    quiet = type("Quiet", (handler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def nobody() -> Iterator[str]:
    """A root URL at which connections are refused: the port is held, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def serving_on_loop(
    serve: Callable[[Callable[[str], None]], Coroutine[Any, Any, None]],
) -> Iterator[str]:
    """The URL that ``serve`` tells, while it runs on a loop of its own; then it is cancelled, and
    what it left running is ended too.
    """
    loop, ready, urls = asyncio.new_event_loop(), threading.Event(), list[str]()

    def tell(url: str) -> None:
        urls.append(url)
        ready.set()

    task = loop.create_task(serve(tell))

    def work() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.run_until_complete(_end_all())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


@contextmanager
def serving_app(app: web.Application) -> Iterator[str]:
    """The root URL of an application."""

    async def serve(tell: Tell) -> None:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            tell(f"http://{host}:{port}")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    with serving_on_loop(serve) as url:
        yield url


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # for transports that close on the next turn
