"""Served: a model with a server of its own, started for its turn by its ``serve`` command.

The server's output goes into the model's folder. It is loaded when its ``/health`` answers 200 or,
where it has none, ``GET <base URL>/models`` does; ``ready`` in its entry names another path. Health
comes first, because llama.cpp lists its model while it still loads it. The server runs under
``guard.py``, in a process group of its own: a Ctrl-C reaches only the run, which still has a server
to drain from, and the server ends with its turn, or with the run.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx

from tailrace.engine import guard
from tailrace.engine.bounded import told
from tailrace.engine.loader import Loaded, LoadError
from tailrace.engine.stock import StockTransport
from tailrace.hidden import hide, is_secret_name
from tailrace.results.atomic import appending, own_folder
from tailrace.results.render.text import safe_text
from tailrace.scenarios.model_entry import PORT, ModelEntry, filled_in, variables

POLL_S = 0.02
"""Between two questions whether it is loaded: what the load time may be too long by."""
ASK_S = 5.0
TAIL_BYTES, LINE_CHARS = 16_384, 200
HEALTH = "/health"
LOG_NAME = "server.log"

_HOST = "127.0.0.1"


class Served:
    """See loader.Loader; ``folder`` is the model's."""

    who = "its server"

    def __init__(
        self,
        entry: ModelEntry,
        folder: Path,
        headers: Sequence[tuple[str, str]] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Choose a port and make the command; raises LoadError when it cannot be run.

        ``environment`` is the server's, beside this process's own.
        """
        self._entry = entry
        self.tags: dict[str, Any] = {}
        self._log = folder / LOG_NAME
        self._headers = list(headers)
        self._environment = {**os.environ, **(environment or {})}
        self._guard: subprocess.Popen[bytes] | None = None
        port = str(_free_port())
        self._command = [part.replace(PORT, port) for part in _filled(entry.serve, os.environ)]
        self.base_url = entry.url or f"http://{_HOST}:{port}/v1"
        self._ready = ready_urls(self.base_url, entry.ready)
        self.footprint: dict[str, Any] | None = None
        self.about = " ".join(part.replace(PORT, port) for part in entry.serve)
        _require_program(self._command[0])

    async def find(self) -> None:
        """See Loader.find: what is to be started was looked for when this was made."""

    async def load(self) -> Loaded:
        """See Loader.load."""
        from tailrace.engine.server_process import is_loopback  # brings psutil

        verify = not is_loopback(self.base_url)
        transport = StockTransport(verify=verify, trust_env=False)
        async with httpx.AsyncClient(transport=transport, timeout=ASK_S) as client:
            if not await self._is_free(client):
                raise LoadError(
                    f"{self.base_url} answers before its server was started; end what runs there, "
                    f"or write {PORT} into 'serve'",
                    "port_taken",
                )
            self._start()
            with anyio.move_on_after(self._entry.ready_s):
                while not await self._is_ready(client):
                    if (why := self.ended()) is not None:
                        raise LoadError(f"{why} before the model was loaded", "server_ended")
                    await anyio.sleep(POLL_S)
                return Loaded(self.base_url, self._entry.model)
        raise LoadError(
            f"{self.who} was not ready within {self._entry.ready_s:g} s: GET {self._ready[-1]} did "
            f"not answer 200 (give more time with 'ready_s'){self._says()}",
            "server_not_ready",
        )

    async def _is_free(self, client: httpx.AsyncClient) -> bool:
        """Whether nobody answers there; a server that is just ending is waited for."""
        with anyio.move_on_after(guard.GRACE_S):
            while await self._answer(client, self._ready[0]) is not None:  # noqa: ASYNC110
                await anyio.sleep(10 * POLL_S)
            return True
        return False

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        """Whether it answers 200; one that has no such path is asked the next."""
        for url in self._ready:
            code = await self._answer(client, url)
            if code is None or not 400 <= code < 500:
                return code == httpx.codes.OK
        return False

    async def _answer(self, client: httpx.AsyncClient, url: httpx.URL) -> int | None:
        try:
            return (await told(client, "GET", url, headers=dict(self._headers))).status
        except httpx.HTTPError:
            return None

    def _start(self) -> None:
        own_folder(self._log.parent)
        with appending(self._log) as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-P", guard.__file__, *self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                **guard.own_group(),
            )

    @property
    def holder_pid(self) -> int | None:
        """The process whose children are the server; None while it is not started."""
        return None if self._guard is None else self._guard.pid

    def ended(self) -> str | None:
        """See Loader.ended."""
        code = None if self._guard is None else self._guard.poll()
        if code is None:
            return None
        how = f"was ended by signal {code - 128}" if code > 128 else f"ended with code {code}"
        return f"{self.who} {how}{self._says()}"

    def _says(self) -> str:
        said = last_words(self._log)
        where = f"{self._log.parent.name}/{self._log.name}"
        return f" ({where} says: {said})" if said else f" ({where} is empty)"

    async def unload(self) -> None:
        """See Loader.unload: closing its standard input tells the guard to end the server."""
        process, self._guard = self._guard, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            self.footprint = await anyio.to_thread.run_sync(_see_it_end, process)


def _see_it_end(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    """The footprint that the guard says when it has ended its server."""
    try:
        said, _ = process.communicate(timeout=guard.GRACE_S + ASK_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    return footprint_of(said)


def footprint_of(said: bytes) -> dict[str, Any] | None:
    """What a guard said last; None when it was killed, or saw nothing."""
    try:
        footprint: dict[str, Any] = json.loads(said)
    except ValueError:
        return None
    return footprint if footprint.get("peak_rss_bytes") else None


def ready_urls(base_url: str, ready: str | None) -> list[httpx.URL]:
    """Where to ask whether a server is ready, in turn."""
    base = httpx.URL(base_url)
    paths = (HEALTH, base.path.rstrip("/") + "/models") if ready is None else (ready,)
    return [base.join(path) for path in paths]


def last_words(path: Path) -> str:
    """The first line about an error at the end of a log, and its last, fit to print anywhere.

    A server's last line is often only that it gives up.
    """
    lines = _last_lines(path, LINE_CHARS)
    cause = next((line for line in lines if "error" in line.lower()), None)
    words = dict.fromkeys(line for line in (cause, *lines[-1:]) if line is not None)
    return " … ".join(words)


def last_line(path: Path) -> str:
    """The last line of a log, fit to print anywhere; empty where there is none."""
    return "".join(_last_lines(path, 2 * LINE_CHARS)[-1:])


def _last_lines(path: Path, chars: int) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for part in text.splitlines() if (line := safe_text(part, chars))]


def _filled(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    for name in (name for part in command for name in variables(part)):
        if is_secret_name(name):
            hide(environment.get(name, ""))
    try:
        return [filled_in(part, environment) for part in command]
    except KeyError as exc:
        raise LoadError(
            f"its 'serve' needs ${{{exc.args[0]}}}, which the environment does not set",
            "environment",
        ) from None


def _require_program(name: str) -> None:
    if shutil.which(name) is None:
        raise LoadError(
            f"its server cannot be started: there is no program {name!r} here; mend 'serve'",
            "no_such_program",
        )


def _free_port() -> int:
    """A port that nobody listens on now. The server that gets it is started at once."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
