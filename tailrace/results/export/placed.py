"""Placed: a request, and the model and load level in whose turn it was sent. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tailrace.results.facts import ModelFacts, StageFacts
from tailrace.results.schema import Row


class Placed(NamedTuple):
    """One line of a journal with what the facts say of its place."""

    model: ModelFacts
    stage: StageFacts | None
    """None of the cold first request."""
    row: Row

    @property
    def load(self) -> str | None:
        """The load level as the tables name it."""
        return None if self.stage is None else self.stage.load or str(self.stage.users)
