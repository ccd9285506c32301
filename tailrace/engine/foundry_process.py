"""The process of a service on this machine, watched by its number and the time it began.

A number alone is not enough: the system gives it to another process one day.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import psutil

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class Process:
    """Make one with ``of``."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.pid: int = process.pid

    @classmethod
    def of(cls, root: str, pid: int | None) -> Process | None:
        """The process that serves a root URL; None where it is elsewhere or cannot be seen.

        A port may be forwarded from a container, where the same number is another process: only one
        that has the port open is taken.
        """
        if pid is None or urlsplit(root).hostname not in _HERE:
            return None
        try:
            process = psutil.Process(pid)
            ports = {each.laddr.port for each in process.net_connections() if each.laddr}
        except psutil.Error:
            return None
        return cls(process) if urlsplit(root).port in ports else None

    def runs(self) -> bool:
        """Whether it is still there; one that has ended and was not fetched is not."""
        try:
            ended = self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True
        return bool(self._process.is_running()) and not ended
