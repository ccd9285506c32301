"""Foundry Local's own API over real HTTP, where it answers something else than it should."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tailrace.engine.foundry_api import FoundryApi, look
from tailrace.engine.loader import LoadError

pytestmark = pytest.mark.asyncio

ID = "tiny-generic-cpu:1"


class Runtime:
    """``answers`` by path, to be set by the test; a scripted runtime of the newer generation."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []
        self.root = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.raw_path)
        status, body = self.answers.get(request.path, (404, "No mapping"))
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text)


@pytest_asyncio.fixture
async def runtime() -> AsyncIterator[Runtime]:
    one, app = Runtime(), web.Application()
    app.router.add_route("*", "/{path:.*}", one.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.root = "http://{}:{}".format(*runner.addresses[0][:2])
    yield one
    await runner.cleanup()


async def api_of(runtime: Runtime, folder: str = "/nowhere") -> FoundryApi:
    runtime.answers["/status"] = 200, {"endpoints": [], "modelCachePath": folder, "pid": 7}
    api = await look(runtime.root)
    assert isinstance(api, FoundryApi)
    return api


async def test_the_generation_is_told_by_the_status(runtime: Runtime) -> None:
    api = await api_of(runtime)
    assert (api.group, api.pid) == ("server", 7)
    del runtime.answers["/status"]
    runtime.answers["/openai/status"] = 200, {"Endpoints": [], "ModelDirPath": "x"}
    old = await look(runtime.root)
    assert isinstance(old, FoundryApi)
    assert (old.group, old.pid) == ("service", None)


@pytest.mark.parametrize("body", ["<html>", [], {"status": "ok"}, "null"])
async def test_another_kind_of_status_is_none(runtime: Runtime, body: Any) -> None:
    runtime.answers["/status"] = 200, body
    assert await look(runtime.root) == (
        "is no Foundry Local (GET /status: 200, GET /openai/status: 404)"
    )


async def test_facts_come_from_the_folder_of_this_machine(runtime: Runtime, tmp_path: Path) -> None:
    entries = [{"id": ID, "alias": "tiny"}, {"id": "big:1", "alias": "big"}]
    (tmp_path / "foundry.modelinfo.json").write_text(json.dumps({"models": entries}))
    for name, text in (("a", json.dumps({"Name": ID})), ("broken", "{"), ("list", "[]")):
        (tmp_path / "Local" / name).mkdir(parents=True)
        (tmp_path / "Local" / name / "inference_model.json").write_text(text)
    api = await api_of(runtime, str(tmp_path))
    runtime.answers["/models/loaded"] = 200, [ID]
    models = await api.models()
    assert [(m.alias, m.cached, m.loaded) for m in models] == [
        *(("tiny", True, True), ("big", False, False))
    ]


@pytest.mark.parametrize("text", [None, "{", "[1]"])
async def test_without_that_file_only_ids_are_known(
    runtime: Runtime, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "foundry.modelinfo.json").write_text(text)
    api = await api_of(runtime, str(tmp_path))
    runtime.answers["/models/loaded"] = 200, []
    runtime.answers["/v1/models"] = 200, {"data": [{"id": ID}]}
    (model,) = await api.models()
    assert (model.id, model.alias, model.cached) == (ID, "", None)


async def test_loading_says_whether_there_was_anything_to_load(runtime: Runtime) -> None:
    api = await api_of(runtime)
    for word, was_cold in (("loaded", True), ("already_loaded", False)):
        runtime.answers["/models/load/a b"] = 200, {"status": word}
        assert await api.load("a b", 5.0, 60) is was_cold
    assert runtime.asked[-1] == "/models/load/a%20b"


@pytest.mark.parametrize(
    ("answer", "error_class", "words"),
    [
        ((404, {"error": {"message": "Model not found"}}), "http_404", "404: Model not found"),
        ((500, "boom"), "http_500", "500: boom"),
        ((500, ""), "http_500", "500: nothing"),
        ((200, "<html>"), "bad_body", "answered no JSON: '<html>'"),
    ],
)
async def test_what_is_no_answer_is_an_error_with_its_words(
    runtime: Runtime, answer: tuple[int, Any], error_class: str, words: str
) -> None:
    api = await api_of(runtime)
    runtime.answers["/models/load/m"] = answer
    with pytest.raises(LoadError, match=words) as caught:
        await api.load("m", 5.0)
    assert caught.value.error_class == error_class
    assert f"GET {runtime.root}/models/load/m" in str(caught.value)
