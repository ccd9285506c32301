"""A Foundry Local service of before 0.9, emulated from public issues; it cannot be had here.

What is emulated: ``/openai/status``, ``/foundry/list``, ``/openai/models``, ``loadedmodels``,
``load?ttl=``, ``unload?force=``; chunks with the role, ``delta`` and ``message`` in each, fields of
its own, and in 0.8 neither ``finish_reason`` nor usage; a stream that never begins; HTTP 500 after
some completions; and a model that is unloaded when nobody asked for it for its time to live.

``fake_foundry`` writes a program of that name which prints what the real one does.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.threaded import serving_app

CPU, GPU = "phi-mini-generic-cpu:2", "phi-mini-generic-gpu:1"
SMALL = "qwen-small-generic-cpu:4"
ABSENT = "giant-generic-cpu:1"
IDS = (CPU, GPU, SMALL, ABSENT)
WORDS = ["slow", "requests", "decide", "it"]


@dataclass
class FoundryService:
    """What it does, and what was done with it."""

    cached: tuple[str, ...] = (CPU, SMALL)
    default_ttl_s: float = 600.0
    keeps_ttl: bool = True
    """Whether it heeds the ``ttl`` of a load."""
    cold_load_s: float = 0.05
    offline: bool = False
    """Whether its catalog is out of reach."""
    hangs: bool = False
    fails_after: int | None = None
    """Completions until every further one is HTTP 500."""
    finish: bool = False
    done: bool = True
    url: str = ""
    ttls: dict[str, float] = field(default_factory=dict)
    """Of the loaded models."""
    used: dict[str, float] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    """Management calls, in order, with their queries."""
    cold_loads: list[str] = field(default_factory=list)
    chats: list[str] = field(default_factory=list)
    """Model ids that were asked."""

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v1")

    def _forget_idle(self) -> None:
        now = time.monotonic()
        for model in [m for m, ttl in self.ttls.items() if now - self.used[m] > ttl]:
            del self.ttls[model]

    async def _load(self, model: str, ttl_s: float) -> None:
        self._forget_idle()
        if model not in self.ttls:
            self.cold_loads.append(model)
            await asyncio.sleep(self.cold_load_s)
        self.ttls[model], self.used[model] = ttl_s, time.monotonic()

    async def status(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"Endpoints": [self.root], "ModelDirPath": "models", "PipeName": "inference_agent"}
        )

    async def catalog(self, request: web.Request) -> web.Response:
        if self.offline:
            return web.Response(status=500, text="No models were returned from the catalog")
        return web.json_response([_entry(model) for model in IDS])

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.cached))

    async def loaded(self, request: web.Request) -> web.Response:
        self._forget_idle()
        return web.json_response(list(self.ttls))

    async def load(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.calls.append(request.path_qs)
        if name not in self.cached:
            return web.Response(status=400, text=f"No OpenAIService provider found for {name}")
        ttl_s = float(request.query.get("ttl", self.default_ttl_s))
        await self._load(name, ttl_s if self.keeps_ttl else self.default_ttl_s)
        return web.Response()

    async def unload(self, request: web.Request) -> web.Response:
        self.calls.append(request.path_qs)
        self.ttls.pop(request.match_info["name"], None)
        return web.Response()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = body["model"]
        if model not in self.cached:
            return web.Response(status=404, text=f"no model {model}")
        self.chats.append(model)
        if self.fails_after is not None and len(self.chats) > self.fails_after:
            return web.Response(status=500, text="An unexpected error occurred")
        await self._load(model, self.ttls.get(model, self.default_ttl_s))
        if self.hangs:
            await asyncio.sleep(60)
        if not body.get("stream"):
            return web.json_response(self._chunk(model, " ".join(WORDS), True))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for word in WORDS:
            await response.write(_event(self._chunk(model, f" {word}", word == WORDS[-1])))
            await asyncio.sleep(0.002)
        if self.done:
            await response.write(b"data: [DONE]\n\n")
        self.used[model] = time.monotonic()
        return response

    def _chunk(self, model: str, text: str, is_last: bool) -> dict[str, Any]:
        part = {"role": "assistant", "content": text, "tool_calls": []}
        choice: dict[str, Any] = {"delta": part, "message": part, "index": 0}
        if self.finish:
            choice["finish_reason"] = "stop" if is_last else None
        return {
            "model": model,
            "choices": [choice],
            "created": 1762612476,
            "CreatedAt": "2025-11-08T14:34:36+00:00",
            "id": "chat.id.1",
            "IsDelta": False,
            "Successful": True,
            "HttpStatusCode": 0,
            "object": "chat.completion.chunk",
        }


def _event(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _entry(model: str) -> dict[str, Any]:
    name, _, version = model.partition(":")
    device = "GPU" if "gpu" in name else "CPU"
    return {
        "id": model,
        "name": name,
        "version": version,
        "alias": name.partition("-generic")[0],
        "fileSizeMb": 1000 * int(version),
        "license": "MIT",
        "task": "chat-completion",
        "runtime": {"deviceType": device, "executionProvider": f"{device}ExecutionProvider"},
        "supportsToolCalling": False,
    }


def _application(service: FoundryService) -> web.Application:
    app = web.Application()
    app.router.add_get("/openai/status", service.status)
    app.router.add_get("/foundry/list", service.catalog)
    app.router.add_get("/openai/models", service.models)
    app.router.add_get("/openai/loadedmodels", service.loaded)
    app.router.add_get("/openai/load/{name}", service.load)
    app.router.add_get("/openai/unload/{name}", service.unload)
    app.router.add_post("/v1/chat/completions", service.complete)
    return app


@contextmanager
def foundry_service(**how: Any) -> Iterator[FoundryService]:
    """Serve on loopback, on a loop in a thread of its own."""
    service = FoundryService(**how)
    with serving_app(_application(service)) as root:
        service.url = root + "/v1"
        yield service


NOT_RUNNING = (
    "🔴 Model management service is not running!\n"
    "To start the service, run the following command: foundry service start\n"
)
NO_SUCH_COMMAND = (
    "● error: Unrecognized command or argument '{}'.\nHint: Run 'foundry --help' to see usage.\n"
)


def running(root: str) -> str:
    """What ``foundry service status`` of 0.8 prints."""
    return f"🟢 Model management service is running on {root}/openai/status\n"


def ready(root: str) -> str:
    """What ``foundry server status`` of 0.10 prints."""
    return (
        "State    Ready\nPID      29056\nStarted  2026-07-27 05:17:06Z\n"
        f"Uptime   48m 44s\nWeb URLs {root}\n"
    )


def fake_foundry(folder: Path, answers: Mapping[str, str], hangs: tuple[str, ...] = ()) -> str:
    """Write a program ``foundry`` that answers by its arguments; returns a PATH with it first."""
    cases = [f"{_quoted(key)}) printf '%s' {_quoted(text)};;" for key, text in answers.items()]
    cases += [f"{_quoted(key)}) sleep 60;;" for key in hangs]
    other = _quoted(NO_SUCH_COMMAND.format("that"))
    lines = ["#!/bin/sh", 'case "$*" in', *cases, f"*) printf '%s' {other} >&2; exit 1;;", "esac"]
    program = folder / "foundry"
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
