"""Server process: which process of this machine serves a URL, and what it and its children use.

Only a loopback URL can be answered by a process that this machine's tables show; a container's
process shows where its port is passed on by a process here, which then is what is found.
"""

from __future__ import annotations

import contextlib
import ipaddress
import time
from urllib.parse import urlsplit

import psutil


def is_loopback(url: str) -> bool:
    """Whether the URL's server is on this machine for sure."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def listener_of(url: str) -> int | None:
    """The process that listens on a loopback URL's port: the oldest, where it shares with its
    children. None where there is none, or it may not be seen.
    """
    if not is_loopback(url):
        return None
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found: set[int] = set()
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                found.add(connection.pid or 0)
    return min(found - {0}, key=_begun_s, default=None)


def _begun_s(pid: int) -> float:
    with contextlib.suppress(psutil.Error):
        begun_s: float = psutil.Process(pid).create_time()
        return begun_s
    return float("inf")


SEARCH_EVERY_S = 5.0
"""Between two searches for children: each goes through every process of the machine."""


class Tree:
    """A process and all that it started."""

    def __init__(
        self, pid: int, *, children_only: bool = False, search_every_s: float = SEARCH_EVERY_S
    ) -> None:
        """``children_only`` leaves out the process itself, which only holds the server.

        Raises ProcessLookupError when there is no such process.
        """
        try:
            self._root = psutil.Process(pid)
        except psutil.Error:
            raise ProcessLookupError(pid) from None
        self._children_only = children_only
        self._search_every_s = search_every_s
        self._searched_s = float("-inf")
        self._family: list[psutil.Process] = []
        self._known: dict[int, float] = {}
        """CPU seconds of each process seen, so that those of one that ended still count."""

    def look(self) -> dict[str, float] | None:
        """``rss_bytes``, ``cpu_s``, ``threads``, ``processes``; None when it is gone."""
        rss, threads, alive = 0, 0, 0
        if time.monotonic() - self._searched_s >= self._search_every_s:
            self._searched_s = time.monotonic()
            self._family = self._processes()
        for process in self._family:
            with contextlib.suppress(psutil.Error), process.oneshot():
                times = process.cpu_times()
                self._known[process.pid] = times.user + times.system
                rss += process.memory_info().rss
                threads += process.num_threads()
                alive += 1
        if not alive:
            return None
        cpu_s = round(sum(self._known.values()), 3)
        return {"rss_bytes": rss, "cpu_s": cpu_s, "threads": threads, "processes": alive}

    def _processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            children: list[psutil.Process] = self._root.children(recursive=True)
            return children if self._children_only else [self._root, *children]
        return []
