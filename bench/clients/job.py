"""Job: what each bench client has to do, and the one JSON line it prints when it has done it.

Rule: this file imports only the standard library, and does nothing while answers stream but take
stamps that a client gives it.
Why: the clients are compared by their CPU, so what they share must cost all of them the same, and
next to nothing.
"""

from __future__ import annotations

import json
import math
import sys
import time
from array import array
from collections.abc import Sequence
from urllib.parse import urlsplit

BEGAN_NS = time.perf_counter_ns()
"""When this process had imported this file; the interpreter's own start lies before it."""


class Job:
    """R requests in all, in N closed-loop streams."""

    def __init__(self, url: str, streams: int, requests: int, tokens: int) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 80
        self.path = parts.path.rstrip("/") + "/chat/completions"
        self.url = url.rstrip("/") + "/chat/completions"
        self.streams = streams
        self.left = requests
        self.body = json.dumps(
            {
                "model": "sim",
                "messages": [{"role": "user", "content": "Tell me what a tailrace is."}],
                "max_tokens": tokens,
                "temperature": 0.0,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        ).encode()
        self.first_ns = 0
        self.done = 0
        self.ttfts = array("q")
        self.gaps = array("q")

    def take(self) -> bool:
        """Whether one more request is to be sent."""
        if not self.left:
            return False
        self.left -= 1
        return True

    def report(self) -> None:
        """Print what was measured."""
        now_ns = time.perf_counter_ns()
        found: dict[str, float] = {
            "requests": self.done,
            "chunks": len(self.ttfts) + len(self.gaps),
            "wall_s": (now_ns - self.first_ns) / 1e9,
            "first_request_s": (self.first_ns - BEGAN_NS) / 1e9,
        }
        for name, values in (("ttft", self.ttfts), ("gap", self.gaps)):
            found |= {f"{name}_p50_ns": 0, f"{name}_p99_ns": 0}
            if values:
                p50, p99 = percentiles(values, (50, 99))
                found |= {f"{name}_p50_ns": p50, f"{name}_p99_ns": p99}
        print(json.dumps(found))


def percentiles(values: Sequence[int], percents: Sequence[float]) -> list[int]:
    """The smallest value with at least p % of the values at or below it, for each p."""
    ordered = sorted(values)
    ranks = (max(1, math.ceil(round(percent * len(ordered) / 100, 9))) for percent in percents)
    return [ordered[rank - 1] for rank in ranks]


def from_arguments() -> Job:
    """The job on the command line: ``URL STREAMS REQUESTS TOKENS``."""
    url, *numbers = sys.argv[1:]
    streams, requests, tokens = map(int, numbers)
    return Job(url, streams, requests, tokens)
