"""Scraper: the process that looks at a server, ``python -m tailrace.engine.scraper``.

``watcher.py`` starts it and tells it what to look at; it appends to ``<model>/server.jsonl``, a
line a look, each handed to the kernel at once. It keeps its own beat: a look that takes longer than
the beat leaves out those that would have begun meanwhile. It has the lowest claim on the CPU that
still is served, so that it waits for the load and not the load for it.

Rule: it ends when its standard input does, whatever a server keeps it waiting for; that is when
the run ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tailrace.engine.child import give_way
from tailrace.engine.clock import now_ns
from tailrace.engine.guard import be_deaf
from tailrace.hidden import guard_tracebacks, hide_headers, without_secrets
from tailrace.results.atomic import appending, own_folder
from tailrace.results.server_log import SERVER_LOG, Head, Look, changes, to_line

TIMEOUT_S = 2.0
"""For a whole scrape."""
MOST_BYTES = 8 * 2**20
LEAVE_S = 0.3
"""After the end of standard input, for a look under way."""
CLOCKS_APART_NS = 500_000_000
"""More between the two processes' clocks, by the wall clock, and they are not the same clock."""


class Orders(msgspec.Struct):
    """The first message."""

    url: str | None
    headers: list[tuple[str, str]]
    interval_s: float
    pid: str
    """``auto``, ``off`` or a number."""
    pid_given: bool
    """Somebody asked for it, and is told where it cannot be had."""
    base_url: str
    holder_pid: int | None
    folder: str
    origin_perf_ns: int
    sent_perf_ns: int
    sent_wall_ns: int
    ca_file: str | None = None
    insecure: bool = False


class MissedError(Exception):
    """A scrape that told nothing; the reason is short."""


class Scraper:
    """Everything but the waiting."""

    def __init__(self, orders: Orders, file: BinaryIO) -> None:
        self._orders = orders
        self._file = file
        self._series: dict[str, float] = {}
        self._client = _client(orders) if orders.url else None
        shift_ns = clock_shift_ns(orders, now_ns(), time.time_ns())
        self._origin_ns = orders.origin_perf_ns + shift_ns
        self.head = Head(self._now(), orders.url, orders.interval_s)
        if shift_ns:
            self.head.clock = "wall clock"
        self._tree = self._find_tree()
        self._gpus = self._find_gpus()
        file.write(to_line(self.head))

    def _now(self) -> int:
        return now_ns() - self._origin_ns

    def _find_tree(self) -> Any:
        """The server's process, where it can be seen."""
        orders, head = self._orders, self.head
        if orders.pid == "off":
            return None
        from tailrace.engine.server_process import Tree, is_loopback, listener_of

        if orders.pid != "auto":
            head.pid, head.pid_by = int(orders.pid), "--server-pid"
        elif orders.holder_pid is not None:
            head.pid, head.pid_by = orders.holder_pid, "started for this run"
        else:
            head.pid, head.pid_by = listener_of(orders.base_url), "listens on the URL's port"
        if head.pid is None:
            if is_loopback(orders.base_url):
                head.notes.append("the process that listens on the URL's port cannot be seen")
            return None
        try:
            return Tree(head.pid, children_only=head.pid == orders.holder_pid)
        except ProcessLookupError:
            head.notes.append(f"there is no process {head.pid} here")
            return None

    def _find_gpus(self) -> Any:
        """Those of this machine, where the server is on it."""
        if self._tree is None:
            return None
        from tailrace.engine.gpus import find_gpus

        gpus, why = find_gpus()
        if gpus is not None:
            self.head.gpus = gpus.about()
        elif why:
            self.head.notes.append(why)
        return gpus

    def look(self) -> bool:
        """Look once and write it down; False where the server told nothing."""
        look = Look(self._now())
        if self._tree is not None:
            look.process = self._tree.look()
        if self._gpus is not None:
            look.gpus = self._gpus.look()
        if self._client is not None:
            self._scrape(look)
        look.cpu_ns = time.process_time_ns()
        self._file.write(to_line(look))
        return not look.miss

    def _scrape(self, look: Look) -> None:
        from tailrace.engine.exposition import series_of

        look.at_ns = self._now()
        try:
            body = without_secrets(_get(self._client, str(self._orders.url)))
            look.took_ns = self._now() - look.at_ns
            look.bytes = len(body)
            found = series_of(body.decode("utf-8", "replace"))
        except (MissedError, ValueError) as exc:
            look.took_ns = look.took_ns or self._now() - look.at_ns
            look.miss = str(exc)[:200] or type(exc).__name__
            return
        look.left_out = found.left_out
        look.series, look.gone = changes(self._series, found.values)
        self._series = found.values


def clock_shift_ns(orders: Orders, perf_ns: int, wall_ns: int) -> int:
    """What to add to the origin so that this process's clock fits; 0 where both read the same."""
    apart_ns = (perf_ns - orders.sent_perf_ns) - (wall_ns - orders.sent_wall_ns)
    return apart_ns if abs(apart_ns) > CLOCKS_APART_NS else 0


def _client(orders: Orders) -> Any:
    import ssl

    import httpx

    verify: ssl.SSLContext | bool = False
    if str(orders.url).startswith("https") and not orders.insecure:
        verify = ssl.create_default_context(cafile=orders.ca_file)
    headers = [*orders.headers, ("Accept", "text/plain;version=0.0.4")]
    return httpx.Client(trust_env=False, verify=verify, timeout=TIMEOUT_S, headers=headers)


def _get(client: Any, url: str) -> bytes:
    """The whole body, within the time and the size that it may have; raises MissedError."""
    import httpx

    until = time.monotonic() + TIMEOUT_S
    body = b""
    try:
        with client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise MissedError(f"HTTP {answer.status_code}")
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise MissedError(f"over {MOST_BYTES // 2**20} MiB")
                if time.monotonic() > until:
                    raise MissedError("timed out")
    except httpx.TimeoutException:
        raise MissedError("timed out") from None
    except httpx.HTTPError as exc:
        raise MissedError(f"{type(exc).__name__}: {exc}") from None
    return body


def _open_log(path: Path) -> Any:
    """The log, at the beginning of a line: a sitting that was killed may have left half of one."""
    file = appending(path, "a+b")
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
    return file


def _listen(messages: BinaryIO, inbox: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        for line in messages:
            inbox.put(msgspec.json.decode(line))
    inbox.put(None)
    threading.Timer(LEAVE_S, os._exit, (0,)).start()


def _keep_looking(
    scraper: Scraper,
    interval_s: float,
    inbox: queue.SimpleQueue[dict[str, Any] | None],
    say: Any,
) -> None:
    """On the beat, and whenever asked, until there are no more messages."""
    due = time.monotonic() + interval_s
    while True:
        try:
            message = inbox.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            scraper.look()
            late = max(0.0, time.monotonic() - due)
            due += interval_s * (1 + late // interval_s)
            continue
        if message is None:
            return
        say(looked=message["look"], missed=not scraper.look())


def main() -> None:
    """Take the orders, then look."""
    guard_tracebacks()
    be_deaf()
    out = sys.stdout.buffer

    def say(**message: Any) -> None:
        with contextlib.suppress(OSError):
            out.write(msgspec.json.encode(message) + b"\n")
            out.flush()

    first = sys.stdin.buffer.readline()
    if not first:
        return
    orders = msgspec.json.decode(first, type=Orders)
    hide_headers(orders.headers)
    inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    listening = (sys.stdin.buffer, inbox)
    threading.Thread(target=_listen, args=listening, daemon=True).start()
    give_way()
    folder = Path(orders.folder)
    own_folder(folder)
    with _open_log(folder / SERVER_LOG) as file:
        scraper = Scraper(orders, file)
        say(ready=True, notes=scraper.head.notes)
        _keep_looking(scraper, orders.interval_s, inbox, say)
    os._exit(0)  # the reading thread may sit in a read


if __name__ == "__main__":
    main()
