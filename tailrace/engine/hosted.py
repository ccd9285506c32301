"""Hosted: a model that is a Python adapter, in a process of its own that speaks the chat stream.

To the run it is a served model (served.py) whose command is ``python -m tailrace.adapter_host``; so
its load time, its memory, its end and its log are as those of any server.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from tailrace.engine.child import python_path
from tailrace.engine.loader import Loaded, LoadError
from tailrace.engine.served import HEALTH, LOG_NAME, Served, last_line
from tailrace.scenarios.adapters import VARIABLE, Orders, filled_options, is_known, no_such_adapter
from tailrace.scenarios.model_entry import PORT, ModelEntry

_HOST = ("-m", "tailrace.adapter_host", PORT)


class Hosted(Served):
    """See loader.Loader; ``folder`` is the model's."""

    who = "its adapter's process"

    def __init__(self, entry: ModelEntry, folder: Path) -> None:
        """Make its orders; raises LoadError when there is no such adapter."""
        assert entry.adapter is not None
        if not is_known(entry.adapter):
            raise LoadError(no_such_adapter(entry.adapter), "no_such_adapter")
        token = secrets.token_urlsafe(24)
        try:
            options = filled_options(entry.options, os.environ)
        except KeyError as exc:
            raise LoadError(
                f"its 'options' need ${{{exc.args[0]}}}, which the environment does not set",
                "environment",
            ) from None
        orders = Orders(entry.adapter, token, entry.weights, options)
        self._own_headers = (("Authorization", f"Bearer {token}"),)
        self._name = entry.adapter
        self._server_log = folder / LOG_NAME
        super().__init__(
            replace(entry, url=None, serve=(sys.executable, *_HOST), ready=HEALTH),
            folder,
            self._own_headers,
            {VARIABLE: msgspec.json.encode(orders).decode(), "PYTHONPATH": python_path()},
        )
        of = "" if entry.weights is None else f" with {entry.weights}"
        self.about = f"adapter {entry.adapter}{of}"

    async def load(self) -> Loaded:
        """See Loader.load."""
        try:
            loaded = await super().load()
        except LoadError as error:
            said = last_line(self._server_log)
            if error.error_class != "server_ended" or not said.startswith("adapter "):
                raise
            where = f"{self._server_log.parent.name}/{self._server_log.name}"
            raise LoadError(f"{said} (traceback: {where})", "adapter_failed") from None
        return loaded._replace(headers=self._own_headers)


def own_server(entry: ModelEntry, folder: Path, headers: Sequence[tuple[str, str]] = ()) -> Served:
    """What serves a model that the run starts itself; raises LoadError when it cannot be run."""
    return Hosted(entry, folder) if entry.adapter else Served(entry, folder, headers)
