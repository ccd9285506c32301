"""Sources: where the items of a scenario come from. Reads files, so it is I/O.

Each worker makes the source of its scenario for itself and gets the same one: what goes between
processes is the description, never the data.
"""

from __future__ import annotations

from tailrace.scenarios.items import Source, from_texts
from tailrace.scenarios.model import Scenario


def source_of(scenario: Scenario) -> Source:
    """The items that the scenario's requests ask."""
    return from_texts(scenario.prompts)
