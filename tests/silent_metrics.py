"""A server whose metrics never end, or come drop by drop, for the tests of who reads them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"


@contextlib.contextmanager
def silent_metrics(*, dripping: bool = False) -> Iterator[str]:
    """Serve on a loopback port until the block ends; yields the URL."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=_serve, args=(listener, ended, dripping))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        finally:
            ended.set()
            thread.join()


def _serve(listener: socket.socket, ended: threading.Event, dripping: bool) -> None:
    held: list[socket.socket] = []
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            held.append(listener.accept()[0])
            if dripping:
                held[-1].sendall(HEAD)
        if dripping:
            for client in held:
                with contextlib.suppress(OSError):
                    client.sendall(b"a 1\n")
            time.sleep(0.05)
    for client in held:
        client.close()
