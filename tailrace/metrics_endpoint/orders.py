"""Orders: what the run tells the process that serves its metrics, once."""

from __future__ import annotations

import msgspec


class Orders(msgspec.Struct):
    """The first message."""

    folder: str
    """The run's, absolute."""
    host: str
    port: int
    """0 for any that is free."""
