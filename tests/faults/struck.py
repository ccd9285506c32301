"""A run against an endpoint that misbehaves, both in the process of the test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tailrace.display import Quiet
from tailrace.results.facts import Books
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import Script, serve
from tests.threaded import serving_on_loop

REQUESTS, USERS = 8, 2
QUICK: dict[str, Any] = {"ttft_ns": 5_000_000, "gap_ns": 1_000_000, "tokens": 8}


class Struck(NamedTuple):
    """A run that met a fault."""

    finished: Finished
    rows: list[Row]
    """Of its level, without the cold request."""
    took_s: float

    @property
    def kinds(self) -> set[tuple[str, str | None]]:
        """Outcome and class of what failed."""
        return {(row.outcome, row.error_class) for row in self.rows if row.outcome != "ok"}

    @property
    def books(self) -> Books:
        """Of its level."""
        (stage,) = self.finished.facts.models[0].stages
        return stage.books


@contextmanager
def simulated(script: Script) -> Iterator[str]:
    """The base URL of an endpoint in a thread of this process, with an event loop of its own."""
    with serving_on_loop(lambda tell: serve(script, ready=tell)) as url:
        yield url


def run_against(url: str, out: Path, **options: Any) -> Struck:
    """Eight requests of two users, unless the options say otherwise."""
    level = Level(options.pop("users", USERS), 0.0, options.pop("duration_s", None),
                  options.pop("requests", REQUESTS), options.pop("think", None))  # fmt: skip
    known = {"models": ("sim",), "idle_timeout_s": 0.3, "drain_s": 1.0}
    scenario = Scenario(base_url=url, levels=(level,), **(known | options))
    began = time.perf_counter()
    finished = run_scenario(scenario, out, None, (), Quiet())
    took_s = time.perf_counter() - began
    folder = finished.path / finished.facts.models[0].folder / "requests.jsonl"
    rows = [parse_row(line, "") for line in folder.read_bytes().splitlines()]
    return Struck(finished, [row for row in rows if row.stage == 0], took_s)


def strike(fault: str, out: Path, script: dict[str, Any] | None = None, **options: Any) -> Struck:
    """A run against an endpoint that has this fault from its second request (or connection) on."""
    every = {"fault": fault, "fault_every": 2}
    with simulated(Script(**(QUICK | every | (script or {})))) as url:
        return run_against(url, out, **options)
