"""Model names: which models ``auto`` and ``ALL`` stand for, by what the server lists.

``auto`` is the first model that the server says is loaded, where it says so of any (llama.cpp's
router, LM Studio), else the first that it lists. A model of that very name wins over both words.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import httpx

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.openai_models import ListedModel, models_of
from tailrace.engine.exchange import WireError
from tailrace.engine.foundry_names import listed_by_foundry
from tailrace.engine.probe import ask_models
from tailrace.engine.worker import SecretHeaders, make_wire
from tailrace.errors import TargetError
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.urls import endpoint

AUTO, ALL = "auto", "ALL"
WITHIN_S = 30.0


def names_for(scenario: Scenario, secret_headers: SecretHeaders) -> tuple[str, ...]:
    """The scenario's models with both words replaced; asks the server only where there is one.

    Raises TargetError when the server does not say, or has none.
    """
    if scenario.entries or not {AUTO, ALL} & set(scenario.models):
        return scenario.models
    if scenario.foundry:
        listed = anyio.run(listed_by_foundry, scenario.base_url, secret_headers)
    else:
        listed = anyio.run(_ask, scenario, secret_headers)
    names: list[str] = []
    for name in scenario.models:
        names += chosen(name, listed)
    return tuple(dict.fromkeys(names))


def chosen(name: str, listed: Sequence[ListedModel]) -> list[str]:
    """The models that one ``--model`` stands for."""
    ids = [model.id for model in listed]
    if name not in (AUTO, ALL) or name in ids:
        return [name]
    if name == ALL:
        return ids
    return [next((model.id for model in listed if model.loaded), ids[0])]


async def _ask(scenario: Scenario, secret_headers: SecretHeaders) -> list[ListedModel]:
    """What ``GET {base}/models`` lists, at least one."""
    url = httpx.URL(endpoint(scenario.base_url, "/models"))
    wire = make_wire(scenario)
    headers = secret_headers
    if scenario.dialect != AUTO:
        headers = tuple(dialect_of(scenario.dialect).headers(secret_headers))
    try:
        with anyio.fail_after(WITHIN_S):
            status, body = await ask_models(wire, scenario.base_url, headers)
    except WireError as error:
        raise TargetError(_cannot(url, str(error)), error.error_class) from None
    except TimeoutError:
        raise TargetError(_cannot(url, f"no answer in {WITHIN_S:g} s"), "total_timeout") from None
    finally:
        await wire.aclose()
    if status != 200:
        hint = "; give the key as OPENAI_API_KEY" if status in (401, 403) else ""
        raise TargetError(_cannot(url, f"HTTP {status}{hint}"), f"http_{status}")
    listed = models_of(body)
    if not listed:
        raise TargetError(_cannot(url, "it lists none"), "no_models")
    return listed


def _cannot(url: httpx.URL, reason: str) -> str:
    return f"{url} does not say which models there are: {reason}; name one with --model"
