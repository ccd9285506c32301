"""Law of the HTTP wire: any cut of the same bytes gives the same answer, and the same end."""

from __future__ import annotations

from fuzz.pieces import every_way
from fuzz.talk import Talk


def wire(data: bytes) -> None:
    """Whatever a server sends in answer to one request, and then closes or not."""
    for ended in (True, False):
        first, *others = (Talk().ask(pieces, ended) for pieces in every_way(data))
        for other in others:
            assert other == first, (ended, first, other)
