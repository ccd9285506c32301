"""Asked: what one request asks where a trace or a session says it, and not the scenario's source.

Only the shapes that the worker, the traces and the sessions have in common.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tailrace.engine.scheduler import Sending
from tailrace.scenarios.items import Item


class Asked(NamedTuple):
    """An item, and how it is to be sent."""

    item: Item
    nonce_of: int | None = None
    """The number whose nonce it begins with; None is the request's own."""
    keep_text: bool = False
    """Whether the row must hold the answer, for whoever goes on with it."""


Make = Callable[[Asked], Sending]
"""Makes the request ready."""
