"""Sources: where the items of a scenario come from. Reads files, so it is I/O.

Each worker makes the source of its scenario for itself and gets the same one: what goes between
processes is the description, never the data.
"""

from __future__ import annotations

from tailrace.scenarios.data import Alignment, Data
from tailrace.scenarios.items import Source, from_texts
from tailrace.scenarios.model import Scenario


def source_of(scenario: Scenario, alignment: Alignment | None = None) -> Source:
    """The items that the scenario's requests ask; ``alignment`` is what a server's counts taught.

    Raises UsageError when a file that the scenario names is not what it should be.
    """
    if scenario.data != Data():
        from tailrace.scenarios.data_source import data_source

        return data_source(scenario, alignment)
    return from_texts(scenario.prompts)
