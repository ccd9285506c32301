"""Askings: what the levels of a scenario ask where traces or sessions say it. I/O.

Made once a worker, before any load: what files there are to read whole are read then.
"""

from __future__ import annotations

from collections.abc import Callable

from tailrace.engine.replayed import Replayed
from tailrace.engine.sealing import gathers_text
from tailrace.engine.talks import Talks
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.session_files import scripts_of


class Askings:
    """Of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        sessions = scenario.sessions
        self._scripts = (
            None if sessions is None else scripts_of(sessions, scenario.seed, scenario.own_salt)
        )
        traces = {level.arrivals.trace for level in scenario.levels if level.arrivals is not None}
        self._replayed = {
            trace: Replayed(trace, scenario.salt if trace.fresh else "")
            for trace in traces
            if trace is not None
        }

    @property
    def ask_anew(self) -> bool:
        """Whether hardly any request asks what another did, so that none is worth keeping."""
        return self._scripts is not None or bool(self._replayed)

    def of(
        self, level: Level, seed: int, share: tuple[int, int], nonce_number: Callable[[], int]
    ) -> Talks | Replayed | None:
        """What the requests of this share of a level ask; None leaves it to the scenario's source.

        ``nonce_number`` gives numbers that no other worker of the run has.
        """
        scenario = self._scenario
        if self._scripts is not None and scenario.sessions is not None:
            return Talks(
                self._scripts,
                scenario.sessions,
                seed,
                None if level.users is None else share,
                nonce_number,
                gathers_text(scenario),
            )
        trace = None if level.arrivals is None else level.arrivals.trace
        return None if trace is None else self._replayed[trace]
