"""Shape: what a job, a peer and a peer's answer look like.

Rule: a peer is data and two functions: the command for a job, and what its own result files say.
Why: peers differ in everything else, so this is all that the measurement may know of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Gap = Literal["each gap", "mean of a request"]


@dataclass(frozen=True)
class Job:
    """A closed loop: so many requests in all, so many at once, so many tokens each."""

    url: str
    """Base URL, with /v1."""
    streams: int
    requests: int
    tokens: int
    prompt_tokens: int = 16

    @property
    def origin(self) -> str:
        """The URL without /v1, for those who add it themselves."""
        return self.url.removesuffix("/v1")


@dataclass(frozen=True)
class Said:
    """What a client reports: percentiles in ns by the names of `harness.Figures`."""

    ok: int
    """Requests that it calls successful."""
    figures: dict[str, float]
    gap: Gap = "each gap"
    """What its gap percentiles are taken over."""


@dataclass(frozen=True)
class Peer:
    """A load generator that pip installs."""

    name: str
    requirement: str
    command: Callable[[Job, Path, Path], list[str]]
    """(job, tokenizer's folder, an empty folder of its own) -> program and arguments.

    What the program needs as a file is written into that folder.
    """
    read: Callable[[Path], Said]
    """That folder after the run -> what it says; a file of another shape raises."""
    python: tuple[int, int] = (3, 10)
    unset: tuple[str, ...] = ()
    """Variables that must not be in its environment."""


def figures(
    unit_ns: float, ttft: tuple[float, float], gap: tuple[float, float]
) -> dict[str, float]:
    """The four figures in ns, from pairs of p50 and p99 in some unit."""
    names = ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99")
    return {name: float(value) * unit_ns for name, value in zip(names, (*ttft, *gap), strict=True)}
