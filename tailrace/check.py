"""Check: what is wrong before a run, looked at in the order in which a run would meet it.

Rule: it sends as little as tells something, stops at its deadline, and says what it sent. The rules
are in ``results/check_*.py``; here it is only decided what is looked at.
"""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import anyio

from tailrace.cache import newest
from tailrace.engine import host
from tailrace.engine.check_machine import look_at_machine, why_no_stamps
from tailrace.engine.check_model import Prober
from tailrace.engine.check_server import ServerAsked
from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.dialects.openai_models import ListedModel
from tailrace.engine.loops import choose_loop
from tailrace.engine.model_names import ALL, AUTO, chosen
from tailrace.engine.worker import SecretHeaders, headers_of
from tailrace.results.check_burst import burst_rows
from tailrace.results.check_machine import machine_rows
from tailrace.results.check_model import ModelLook, model_rows
from tailrace.results.check_server import ServerLook, server_rows
from tailrace.results.checks import Check, Report
from tailrace.runner import calibrate_command
from tailrace.scenarios.items import from_texts
from tailrace.scenarios.model import DEFAULT_PROMPT, Scenario
from tailrace.scenarios.model_entry import ModelEntry
from tailrace.scenarios.sources import source_of

DEFAULT_USERS = 8
MOST_USERS = 64
"""Of a burst; a larger one would be a load test."""


class Wish(NamedTuple):
    """What is to be checked."""

    scenario: Scenario
    headers: SecretHeaders
    model_headers: Mapping[str, SecretHeaders]
    users: int | None
    """That the levels ask; None where none was given."""
    tokens: int = 16
    within_s: float = 15.0


def check(wish: Wish) -> Report:
    """Look at everything; raises UsageError when a file of the scenario is not as it should be."""
    _, loop_factory = choose_loop(wish.scenario.loop)
    return anyio.run(_Check(wish).go, backend_options={"loop_factory": loop_factory})


class _Check:
    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._scenario = wish.scenario
        self._report = Report()
        self._users = DEFAULT_USERS if wish.users is None else wish.users
        self._servers: dict[str, ServerLook] = {}

    async def go(self) -> Report:
        began_ns, deadline = now_ns(), anyio.current_time() + self._wish.within_s
        source = _source(self._scenario)
        await self._look_at_machine()
        await self._look_at_servers()
        prober = Prober(self._scenario, source, self._wish.tokens, deadline, Origin.take())
        for entry in self._entries():
            await self._look_at_model(prober, entry)
        self._report.requests = prober.sent
        self._report.took_s = round((now_ns() - began_ns) / 1e9, 3)
        return self._report

    async def _look_at_machine(self) -> None:
        here = any(_is_loopback(url) for url in self._scenario.urls)
        calibration = _calibration(self._scenario)
        look = await look_at_machine(self._scenario, self._users, here, calibration)
        self._report.rows += machine_rows(look)

    async def _look_at_servers(self) -> None:
        """All at once, for most of it is waiting; the rows come in the order of the models."""
        asked = [
            ServerAsked(self._scenario, url, self._headers(self._alias_of(url)))
            for url in dict.fromkeys(self._scenario.urls)
        ]
        async with anyio.create_task_group() as group:
            for one in asked:
                group.start_soon(one.see)
        for one in asked:
            self._servers[one.look.base_url] = one.look
            self._report.rows += server_rows(one.look)
            self._report.lookups += one.lookups

    def _alias_of(self, url: str) -> str:
        """The first model that is asked there by a URL of its own."""
        return next((entry.alias for entry in self._scenario.queue if entry.url == url), "")

    def _headers(self, alias: str) -> SecretHeaders:
        return headers_of(self._wish.headers, self._wish.model_headers.get(alias, ()))

    def _entries(self) -> tuple[ModelEntry, ...]:
        """The models, with those that auto and ALL stand for; a word stays where nothing is listed,
        and is then a row of its own.
        """
        scenario = self._scenario
        if scenario.entries:
            return scenario.entries
        look = self._servers.get(scenario.base_url)
        listing = None if look is None else look.listing
        if listing is None or not listing.ids:
            return scenario.queue
        models = [ListedModel(name, name in (listing.loaded or ())) for name in listing.ids]
        names = [one for name in scenario.models for one in chosen(name, models)]
        return tuple(ModelEntry(name, name) for name in dict.fromkeys(names))

    async def _look_at_model(self, prober: Prober, entry: ModelEntry) -> None:
        scenario = self._scenario
        url = entry.url or scenario.base_url
        server = self._servers.get(url)
        look = ModelLook(entry.alias, entry.model, url, scenario.stream, scenario.stream_usage)
        look.dialect = entry.dialect or scenario.dialect
        if entry.adapter is not None:
            look.not_asked = f"not asked: the run starts its adapter, {entry.adapter}"
        elif entry.server is not None:
            look.not_asked = (
                "not asked: the run loads it; `tailrace foundry list` shows what it has"
            )
        elif entry.serve:
            look.command = entry.serve[0]
            look.command_found = shutil.which(entry.serve[0]) is not None
        elif server is None or not server.usable:
            look.not_asked = "not asked: its server cannot be used"
        elif entry.model in (AUTO, ALL) and not (server.listing and server.listing.ids):
            self._report.rows.append(_nobody(look))
            return
        else:
            look.listing = server.listing
            await prober.look(look, self._headers(entry.alias))
        self._report.rows += model_rows(look)
        if look.answers and server is not None and self._users > 1:
            headers, users = self._headers(entry.alias), min(self._users, MOST_USERS)
            burst = await prober.burst(look, headers, users, self._users, server.server)
            self._report.rows += burst_rows(burst)


def _nobody(look: ModelLook) -> Check:
    found = f"{look.model} is what {look.base_url} lists, and it lists nothing"
    return Check(look.group, "listed", "fail", found, "name the model with --model")


def _source(scenario: Scenario) -> Any:
    """What is asked: the run's own prompts, or the usual one where they come from sessions."""
    return from_texts((DEFAULT_PROMPT,)) if scenario.sessions else source_of(scenario)


def _is_loopback(url: str) -> bool:
    from urllib.parse import urlsplit

    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _calibration(scenario: Scenario) -> dict[str, Any]:
    """The fields of MachineLook that tell of the calibration a run would find."""
    engine = {
        "loop": choose_loop(scenario.loop)[0],
        "transport": scenario.transport,
        "stamps": "user-space read" if why_no_stamps(scenario) else "kernel receive",
    }
    found = newest(host.fingerprint(), engine)
    command = {"calibrate_command": calibrate_command(scenario)}
    if found is None:
        return command
    age = datetime.now(UTC) - datetime.fromisoformat(found.created_at)
    return command | {
        "calibrated_at": found.created_at,
        "calibration_days": age.total_seconds() / 86_400,
        "calibrated_by": str(found.tool.get("version", "?")),
    }
