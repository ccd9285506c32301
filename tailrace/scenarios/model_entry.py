"""ModelEntry: one model of the queue, and how it is reached. Pure.

Rule: it never holds a secret. The values of headers are kept elsewhere, and a command line names
secrets as ``${NAME}``, which the environment fills in when the command is started; so an entry may
be written into ``run.json`` as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.scenarios.reach import AuthName

PORT = "{port}"
"""Stands in a command line for the port that its server is to listen on."""
READY_S = 120.0
FOUNDRY = "foundry"
"""The server that loads and unloads models by its own API: Foundry Local."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is known of one model; without a models file only its name is."""

    alias: str
    """Its name in the reports."""
    model: str
    """Its id on the server."""
    url: str | None = None
    """Base URL of its own; None is the run's, or that of the server which ``serve`` starts."""
    dialect: str | None = None
    """In which words it is asked; None is the run's."""
    serve: tuple[str, ...] = ()
    """Command line that starts its server; empty where it is there already."""
    ready: str | None = None
    """Path that answers 200 when the model is loaded; None is ``<base URL>/models``."""
    ready_s: float = READY_S
    adapter: str | None = None
    """A Python object that generates, in a process of its own: see scenarios/adapters.py."""
    weights: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """Both for the adapter's ``load``."""
    header_names: tuple[str, ...] = ()
    server: str | None = None
    """``foundry`` where it lives on Foundry Local; else nothing is loaded for it."""
    keep_loaded: bool = False
    """Whether such a server keeps it after its turn."""
    auth: AuthName | None = None
    """The header that carries the run's key to it; None is the run's own."""
    extra_body: dict[str, Any] = field(default_factory=dict)
    """Merged into its request bodies, over the run's."""
    tags: dict[str, Any] = field(default_factory=dict)
    """Every key of its entry, in the order of the file, without the values of headers."""

    @property
    def is_started(self) -> bool:
        """Whether the run starts what serves it."""
        return bool(self.serve or self.adapter)


def filled_in(text: str, environment: Mapping[str, str]) -> str:
    """The text with each ``${NAME}`` replaced; raises KeyError of a name that is not set."""
    return _VARIABLE.sub(lambda match: environment[match[1]], text)


def variables(text: str) -> list[str]:
    """The names of the environment that have a part in it."""
    return _VARIABLE.findall(text)
