"""Retries: how often a failed request is sent again, and how long it waits before. Pure.

Rule: the waits grow exponentially with full jitter, as Marc Brooker's "Exponential Backoff And
Jitter" has it: uniform between nothing and the backoff, which doubles with each attempt up to
``LONGEST_WAIT_S``. They are drawn from the run's seed and the request's number, so that a run can
be repeated, whichever worker sends what.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

LONGEST_WAIT_S = 30.0
"""No backoff grows beyond this."""
MOST_RETRIES = 100


@dataclass(frozen=True, slots=True)
class Retries:
    """``times`` 0 sends each request once."""

    times: int = 0
    backoff_s: float = 0.5
    """The longest wait before the first retry; it doubles with each further one."""

    def wait_s(self, seed: int, sequence: int, attempt: int) -> float:
        """How long the ``sequence``-th request waits after its ``attempt``-th sending failed."""
        longest_s = min(LONGEST_WAIT_S, self.backoff_s * 2.0 ** (attempt - 1))
        return Random(f"retry:{seed}:{sequence}:{attempt}").uniform(0.0, longest_s)
