"""Loader: how a model comes to be served for its turn, and how it is let go again.

The verbs are two. A model that is there already needs neither (Given); one with a ``serve`` command
gets a server of its own (served.py). Another way of loading is another class with the same verbs.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from tailrace.errors import TargetError


class LoadError(TargetError):
    """The model cannot be had; the run notes why and goes on with the next."""


class Loaded(NamedTuple):
    """Where a model is to be asked."""

    base_url: str
    model: str
    """Its id there."""
    headers: tuple[tuple[str, str], ...] = ()
    """That its server was made to want."""


class Loader(Protocol):
    """For one model's turn."""

    about: str
    """What ``load`` is going to do, in a few words; empty where it has nothing to do."""
    footprint: dict[str, Any] | None
    """What it took of this machine, known after ``unload``; None where that is not ours to know."""

    @property
    def tags(self) -> dict[str, Any]:
        """What its server knows of the model, once ``find`` has been called."""
        ...

    async def find(self) -> None:
        """Find the model and what loads it, changing nothing; raises LoadError."""
        ...

    async def load(self) -> Loaded:
        """Have the model served; raises LoadError. It may be cancelled; then unload as well."""
        ...

    def ended(self) -> str | None:
        """Why the model cannot be served any more, in a sentence; None while it is."""
        ...

    async def unload(self) -> None:
        """End what ``load`` started and nothing else; harmless when it started nothing."""
        ...


class Given:
    """A model that somebody else serves."""

    about = ""
    footprint: dict[str, Any] | None = None

    def __init__(self, base_url: str, model: str) -> None:
        self._loaded = Loaded(base_url, model)
        self.tags: dict[str, Any] = {}

    async def find(self) -> None:
        """Nothing to find."""

    async def load(self) -> Loaded:
        """Nothing to do."""
        return self._loaded

    def ended(self) -> str | None:
        """Not ours to know."""
        return None

    async def unload(self) -> None:
        """Nothing to do."""
