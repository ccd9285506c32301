"""Orders: what the run tells the process that serves its metrics, once, and why it cannot serve."""

from __future__ import annotations

import os

import msgspec


class Orders(msgspec.Struct):
    """The first message."""

    folder: str
    """The run's, absolute."""
    host: str
    port: int
    """0 for any that is free."""


def reason(exc: OSError) -> str:
    """Why nothing can be listened on, without the address that asyncio adds to it."""
    if exc.errno is not None and exc.errno > 0:
        return os.strerror(exc.errno)
    return exc.strerror or str(exc)


def cannot_listen(host: str, port: int, why: str) -> str:
    """The sentence for the user."""
    return (
        f"--metrics-port: {host}:{port} cannot be listened on: {why}; give another --metrics-port, "
        "0 for any that is free, or another --metrics-host"
    )
