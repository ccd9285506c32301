"""A model on Foundry Local for its turn: named anyhow, loaded, kept warm, let go.

The service is emulated from public issues; the real runtime is in tests/servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tailrace.engine.foundry_loader import FoundryLoader
from tailrace.engine.loader import LoadError
from tailrace.scenarios.model_entry import ModelEntry
from tests.foundry_service import ABSENT, CPU, GPU, SMALL, FoundryService, foundry_service

pytestmark = pytest.mark.asyncio

Make = Callable[..., FoundryLoader]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    made: list[FoundryLoader] = []

    def one(service: FoundryService, name: str, **how: Any) -> FoundryLoader:
        entry = ModelEntry(name, name, server="foundry", ready_s=how.pop("ready_s", 10.0))
        made.append(FoundryLoader(entry, service.root, **how))
        return made[-1]

    yield one
    for loader in made:
        await loader.unload()


@pytest.mark.parametrize("name", [CPU, "phi-mini-generic-cpu", "phi-mini", "PHI-mini"])
async def test_alias_name_and_id_come_to_the_same(make: Make, name: str) -> None:
    with foundry_service() as service:
        loader = make(service, name)
        await loader.find()
        assert loader.about == f"{CPU} on Foundry Local at {service.root}"
        loaded = await loader.load()
        assert loaded[:2] == (service.url, CPU)
        assert list(service.ttls) == [CPU]
        await loader.unload()
        assert not service.ttls
        assert service.calls[-1] == f"/openai/unload/{CPU}?force=true"
        await loader.unload()  # and once more is harmless
        assert len(service.calls) == 2


async def test_what_was_loaded_before_stays_and_is_noted(make: Make) -> None:
    said: list[str] = []
    with foundry_service(ttls={CPU: 600.0}, used={CPU: 1e12}) as service:
        loader = make(service, "phi-mini", say=said.append)
        await loader.find()
        assert loader.about == ""
        assert (await loader.load()).model == CPU
        await loader.unload()
        assert list(service.ttls) == [CPU]
        assert not service.cold_loads
    assert "is loaded already" in said[0]
    assert loader.tags["foundry"]["load"] == "was loaded already"


async def test_it_may_be_kept(make: Make) -> None:
    with foundry_service() as service:
        loader = make(service, SMALL, keep=True)
        await loader.load()
        await loader.unload()
        assert list(service.ttls) == [SMALL]


async def test_the_catalog_s_facts_are_tags(make: Make) -> None:
    with foundry_service() as service:
        loader = make(service, "qwen-small")
        assert loader.tags == {}
        await loader.find()
        tags = loader.tags
        assert tags.pop("foundry") == {
            "endpoint": service.root,
            "found_by": "the URL",
            "api": "service",
            "load": "loaded for its turn",
            "went_cold": 0,
            "alias": "qwen-small",
        }
        assert tags == {
            "model": SMALL,
            "size_mb": 4000,
            "license": "MIT",
            "device": "CPU",
            "runtime": "CPUExecutionProvider",
            "task": "chat-completion",
            "capabilities": ["chat"],
        }


WRONG = {
    "unknown": ("nope", "model_not_found", ["'nope'", f"'phi-mini' ({CPU})", "'qwen-small'"]),
    "not cached": ("giant", "model_not_cached", [ABSENT, "`foundry model download giant`"]),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_name_that_cannot_be_had(make: Make, name: str) -> None:
    model, error_class, words = WRONG[name]
    with foundry_service() as service, pytest.raises(LoadError) as caught:
        await make(service, model).find()
    assert caught.value.error_class == error_class
    for word in words:
        assert word in str(caught.value)


async def test_an_alias_of_several_cached_variants_must_be_an_id(make: Make) -> None:
    with foundry_service(cached=(CPU, GPU)) as service:
        with pytest.raises(LoadError, match=f"'{CPU}', '{GPU}'") as caught:
            await make(service, "phi-mini").find()
        assert caught.value.error_class == "model_ambiguous"
        assert (await make(service, GPU).load()).model == GPU


async def test_without_its_catalog_what_is_cached_can_be_had_by_id(make: Make) -> None:
    with foundry_service(offline=True) as service:
        loader = make(service, "phi-mini-generic-cpu")
        assert (await loader.load()).model == CPU
        assert loader.tags["model"] == CPU
        with pytest.raises(LoadError, match=f"on this machine are '{CPU}', '{SMALL}'"):
            await make(service, "phi-mini").find()


async def test_a_load_that_never_ends_has_its_deadline(make: Make) -> None:
    with foundry_service(cold_load_s=30.0) as service:
        loader = make(service, CPU, ready_s=0.3)
        with pytest.raises(LoadError, match=r"within 0.3 s; give more time with 'ready_s'"):
            await loader.load()


async def test_a_longer_time_to_live_is_asked_for_so_a_pause_does_not_cool(make: Make) -> None:
    with foundry_service(default_ttl_s=0.2) as service:
        loader = make(service, CPU, ttl_s=60, again_s=60.0)
        await loader.load()
        assert service.calls == [f"/openai/load/{CPU}?ttl=60"]
        await asyncio.sleep(0.5)
        await service._load(CPU, 60.0)  # as the next request would
        assert service.cold_loads == [CPU]
        await loader.unload()


async def test_a_service_that_heeds_no_time_to_live_is_kept_warm_by_loading_again(
    make: Make,
) -> None:
    with foundry_service(default_ttl_s=2.0, keeps_ttl=False) as service:
        loader = make(service, CPU, again_s=0.1)
        await loader.load()
        await asyncio.sleep(3.0)
        await service._load(CPU, 2.0)
        assert service.cold_loads == [CPU]
        assert len(service.calls) > 5
        await loader.unload()
        assert loader.went_cold == 0


async def test_what_went_cold_all_the_same_is_counted(make: Make) -> None:
    said: list[str] = []
    with foundry_service() as service:
        loader = make(service, CPU, again_s=0.1, say=said.append)
        await loader.load()
        service.ttls.clear()
        async with asyncio.timeout(20):
            while not loader.went_cold:
                await asyncio.sleep(0.02)
        await loader.unload()
        assert loader.tags["foundry"]["went_cold"] == 1
        assert any("had been unloaded" in text for text in said)
        assert service.cold_loads == [CPU, CPU]


class Scripted:
    """A runtime that has loaded an older version than the catalog's newest."""

    def __init__(self) -> None:
        self.answers = {
            "/status": {"endpoints": [], "pid": 0},
            "/v1/models": {"data": [{"id": "m:1"}, {"id": "m:2"}]},
            "/models/load/m:2": {"status": "loaded"},
            "/models/loaded": [],
        }

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.startswith("/models/load/"):
            self.answers["/models/loaded"] = ["m:1"]
        known = request.path in self.answers
        return web.json_response(self.answers.get(request.path), status=200 if known else 404)


@pytest.mark.parametrize("name", ["m", "m:2"])
async def test_another_version_will_do_where_none_was_named(make: Make, name: str) -> None:
    app = web.Application()
    app.router.add_get("/{path:.*}", Scripted().answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = "http://{}:{}/v1".format(*runner.addresses[0][:2])
        loader = make(FoundryService(url=url), name)
        if name == "m":
            assert (await loader.load()).model == "m:1"
        else:
            with pytest.raises(LoadError, match="loaded are 'm:1'"):
                await loader.load()
    finally:
        await runner.cleanup()
