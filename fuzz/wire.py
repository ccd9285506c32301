"""Law of the HTTP wire: any cut of the same bytes gives the same answer, and the same end."""

from __future__ import annotations

from fuzz.pieces import every_way
from fuzz.talk import Outcome, Talk


def wire(data: bytes) -> None:
    """Whatever a server sends in answer to one request, and then closes or not."""
    for ended in (True, False):
        first, *others = (
            _told(Talk(laid).ask(pieces, ended))
            for laid in (False, True)
            for pieces in every_way(data)
        )
        for other in others:
            assert other == first, (ended, _differing(first, other), _differing(other, first))


def _told(outcome: Outcome) -> Outcome:
    """A break of the framing may wait, with the reads that are put by, for more of them."""
    return outcome._replace(end="open") if outcome.end == "protocol" else outcome


def _differing(one: Outcome, other: Outcome) -> list[object]:
    return [mine for mine, theirs in zip(one, other, strict=True) if mine != theirs]
