"""StampFacts: who stamped the reads of a stage, and how late they were seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tailrace.results.spread import Spread

Source = Literal["kernel receive", "user-space read", "mixed", "none"]


@dataclass(slots=True)
class StampFacts:
    """Counts of socket reads of one stage, warm-up included."""

    kernel_reads: int = 0
    """Stamped by the kernel when the segment arrived."""
    user_reads: int = 0
    """Stamped when the event loop handed them over: late by whatever it was doing."""
    refused: int = 0
    """Of the user reads, those whose kernel stamp was not sane."""
    lag: Spread = field(default_factory=Spread)
    """Kernel's stamp to the moment when the read was seen; no metric contains it."""

    @property
    def source(self) -> Source:
        """What the stage's stamps are, in a word or two."""
        if self.kernel_reads and self.user_reads:
            return "mixed"
        if self.kernel_reads:
            return "kernel receive"
        return "user-space read" if self.user_reads else "none"
