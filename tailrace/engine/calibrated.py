"""Calibrated: the calibration that a run's workers find on the machine where this is asked.

Rule: who asks says only what the scenario says. Which event loop there is, and who stamps the
reads, each machine of a cluster knows for itself.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from tailrace.cache import newest
from tailrace.engine.loops import choose_loop
from tailrace.results.stamp_facts import Source
from tailrace.scenarios.model import LoopName, Scenario, StampsName, TransportName


class Street(NamedTuple):
    """What of a scenario its timing errors hang on; plain values, for they go to other machines."""

    loop: LoopName
    transport: TransportName
    stamps: StampsName
    encrypted: bool


def street_of(scenario: Scenario) -> Street:
    """As the scenario says."""
    encrypted = any(url.startswith("https") for url in scenario.urls)
    return Street(scenario.loop, scenario.transport, scenario.stamps, encrypted)


def known_here(street: Street, machine: Mapping[str, Any]) -> dict[str, Any] | None:
    """The newest that fits, as a document; None where there is none, or no home to keep one in."""
    engine = {
        "loop": choose_loop(street.loop)[0],
        "transport": street.transport,
        "stamps": expected_stamps(street, sys.platform),
    }
    with contextlib.suppress(RuntimeError):  # a container's user may have no home
        found = newest(machine, engine)
        return None if found is None else found.to_dict()
    return None


def expected_stamps(street: Street, platform: str) -> Source:
    """Who will stamp the reads; what each level's stamps really were decides in the end."""
    plain = (street.transport, street.stamps, street.encrypted) == ("fast", "auto", False)
    return "kernel receive" if plain and platform == "linux" else "user-space read"
