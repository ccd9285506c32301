"""FleetChoice: where the workers of a run are to be, when not on this machine alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Placement = Literal["spread", "strict-spread", "pack"]


@dataclass(frozen=True, slots=True)
class FleetChoice:
    """A Ray cluster and how it is used."""

    address: str | None
    """``ray://HOST:PORT`` of a client server or HOST:PORT of a head; None is the cluster here."""
    placement: Placement = "spread"
    """Over as many nodes as there are, one worker a node and no more, or on as few as hold them."""
    tolerates_loss: bool = False
    """Whether a run that loses a worker goes on, and is VALID without it."""
