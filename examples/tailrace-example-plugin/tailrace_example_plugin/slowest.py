"""An exporter: the slowest answers of a run, a line each, to see what they have in common."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from typing import Any

MOST = 10


def slowest(run: Any, to: str | None) -> Iterator[str]:
    """The lines of the file; see docs/plugins.md of tailrace for what a run has."""
    if to is not None:
        raise ValueError("it is a file, which --out names")
    whole = (each for each in run.requests() if each["measured"] and each["outcome"] == "ok")
    yield f"the slowest answers of {run.name}\n"
    for each in nlargest(MOST, whole, key=lambda each: each["e2e_ns"]):
        yield (
            f"{each['e2e_ns'] / 1e6:10.1f} ms  {each['output_tokens'] or '?':>5} tokens  "
            f"{each['model']} at {each['load']}, request {each['id']}\n"
        )
