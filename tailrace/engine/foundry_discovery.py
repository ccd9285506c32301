"""Where Foundry Local listens: its port changes with every start, so it is looked for.

In turn: what the user says (``--url``, a ``url`` of the models file), the environment's
``FOUNDRY_LOCAL_ENDPOINT``, ``foundry server status``, ``foundry service status``, the usual port.
What the user or the environment names is taken or refused, never replaced by another; each further
step's finding is kept, so that the error says all that was tried.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from tailrace.engine.foundry_api import FoundryApi, Headers, look
from tailrace.engine.foundry_cli import SERVER, SERVICE, install_line, start_line, status_of
from tailrace.engine.foundry_command import (
    PROGRAM,
    WITHIN_S,
    ask_foundry,
    installed_version,
    is_installed,
)
from tailrace.engine.loader import LoadError
from tailrace.errors import UsageError
from tailrace.scenarios import parse

VARIABLE = "FOUNDRY_LOCAL_ENDPOINT"
DEFAULT = "http://127.0.0.1:5273"
_ENDS = ("/v1", "/openai/status", "/status", "/openai")


class Found:
    """A running service, and which step found it."""

    def __init__(self, api: FoundryApi, by: str) -> None:
        self.api = api
        self.by = by


async def discover(
    given: str | None,
    environment: Mapping[str, str],
    headers: Headers = (),
    within_s: float = WITHIN_S,
) -> Found:
    """The service; raises LoadError with everything that was tried."""
    named = _named(given, environment)
    if named is not None:
        by, root = named
        api = await look(root, headers, within_s)
        if isinstance(api, FoundryApi):
            return Found(api, by)
        raise await _not_found([f"{by} {root} {api}"], within_s)
    tried: list[str] = []
    seen: dict[str, str] = {}
    groups = (SERVER, SERVICE) if is_installed() else ()
    if not groups:
        tried.append(f"there is no program `{PROGRAM}` on the PATH")
    for group in groups:
        by = f"`foundry {group} status`"
        said = await ask_foundry(group, "status", within_s=within_s)
        status = None if said.text is None else status_of(said.text)
        if status is None or status.url is None:
            tried.append(f"{by} {said.why if status is None else status.why}")
            continue
        found = await look(status.url, headers, within_s)
        if isinstance(found, FoundryApi):
            return Found(found, by)
        seen[status.url] = found
        tried.append(f"{by} names {status.url}, which {found}")
    if DEFAULT not in seen:
        found = await look(DEFAULT, headers, within_s)
        if isinstance(found, FoundryApi):
            return Found(found, "the usual port")
        tried.append(f"the usual {DEFAULT} {found}")
    raise await _not_found(tried, within_s)


def _named(given: str | None, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """(who names it, root URL) where somebody does; raises LoadError for no URL."""
    if given:
        return "the URL", root_of(given)
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        return VARIABLE, root_of(parse.base_url(text, VARIABLE))
    except UsageError as exc:
        raise LoadError(str(exc), "bad_url") from None


def root_of(url: str) -> str:
    """The root of a service, whichever of its URLs the user has at hand."""
    root = url.rstrip("/")
    for end in _ENDS:
        if root.endswith(end) and urlsplit(root).hostname:
            return root.removesuffix(end)
    return root


async def _not_found(tried: list[str], within_s: float) -> LoadError:
    start = f"start it with {start_line(await installed_version(within_s))}"
    install = None if is_installed() else install_line(sys.platform)
    mend = start if install is None else f"install it with {install}, {start}"
    return LoadError(
        f"Foundry Local is not found: {'; '.join(tried)}; {mend}, or name it with --url or "
        f"{VARIABLE}",
        "foundry_not_found",
    )
