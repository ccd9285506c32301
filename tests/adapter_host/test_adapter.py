"""The user's object: found, made, loaded, and called with what it takes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tailrace.adapter_host.adapter import Adapter, AdapterError

from ..plugin_packages import install

SOURCE = """
class Fine:
    def load(self, weights_path, **options): self.loaded = weights_path, options
    def generate(self, prompt, **params): return prompt
class Box:
    Inner = Fine
class NeedsArguments(Fine):
    def __init__(self, size): pass
class NoGenerate:
    def load(self, weights_path): pass
class NoLoad:
    def generate(self, prompt): return ""
class Zero(Fine):
    concurrent = 0
class Many(Fine):
    concurrent = "many"
class Exits(Fine):
    def load(self, weights_path): raise SystemExit("no device")
ready_made = Fine()
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(
        tmp_path,
        "some-adapters",
        "adapters",
        "fine = some_adapters:Fine\nbroken = some_adapters:Nothing",
        some_adapters=SOURCE,
        raises="raise RuntimeError('no license')",
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("some_adapters", None)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name",
    ["some_adapters:Fine", "some_adapters:Box.Inner", "some_adapters:ready_made", "fine"],
)
async def test_one_is_found_and_loaded(name: str) -> None:
    adapter = Adapter.find(name)
    await adapter.load("w.bin", {"threads": 4})
    assert adapter._user.loaded == ("w.bin", {"threads": 4})
    assert adapter.generate("hello", {"max_tokens": 3}) == "hello"
    assert not adapter.is_async


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:X", ["cannot be imported: ModuleNotFoundError", "no_such_module"]),
        ("some_adapters:Nothing", ["cannot be imported: AttributeError", "Nothing"]),
        ("raises:X", ["cannot be imported: RuntimeError: no license"]),
        ("nobody", ["is in no installed package (there are: 'broken', 'fine')", "module:Class"]),
        ("broken", ["'broken' of tailrace.adapters, from some-adapters, cannot be loaded"]),
        ("some_adapters:NeedsArguments", ["without arguments", "TypeError", "size"]),
        ("some_adapters:NoGenerate", ["has no method generate"]),
        ("some_adapters:Zero", ["concurrent = 0, not a whole number above 0"]),
        ("some_adapters:Many", ["concurrent = 'many'"]),
    ],
)
def test_one_that_cannot_be_had(name: str, words: list[str]) -> None:
    with pytest.raises(AdapterError) as caught:
        Adapter.find(name)
    for word in (repr(name), *words):
        assert word in str(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("some_adapters:NoLoad", {}, "has no method load"),
        ("some_adapters:Exits", {}, "failed in load: SystemExit: no device"),
        ("some_adapters:Exits", {"x": 1}, "failed in load: TypeError: .*'x'"),
    ],
)
async def test_one_that_cannot_be_loaded(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        await Adapter.find(name).load(None, options)


class Threads:
    """Notes where it is called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def load(self, weights_path: str | None) -> None:
        self.seen.append(threading.current_thread().name)

    def generate(self, prompt: str, max_tokens: int = 1, *, top_k: int = 0) -> str:
        return f"{max_tokens} {top_k}"


@pytest.mark.asyncio
async def test_load_runs_in_the_thread_that_generates() -> None:
    user = Threads()
    adapter = Adapter("x", user)
    await adapter.load(None, {})
    assert user.seen == [adapter.pool.submit(lambda: threading.current_thread().name).result()]


class AsyncLoad(Threads):
    """Loads on the loop."""

    async def load(self, weights_path: str | None) -> None:  # type: ignore[override]
        self.seen.append(threading.current_thread().name)


@pytest.mark.asyncio
async def test_an_async_load_runs_on_the_loop() -> None:
    user = AsyncLoad()
    await Adapter("x", user).load(None, {})
    assert user.seen == [threading.current_thread().name]


def test_generate_gets_the_parameters_that_it_names() -> None:
    params = {"max_tokens": 7, "top_k": 2, "temperature": 0.0, "messages": []}
    assert Adapter("x", Threads()).generate("hello", params) == "7 2"


class Built:
    """Has a generate whose parameters nobody can see."""

    load = generate = str


def test_one_whose_parameters_cannot_be_seen_gets_the_prompt() -> None:
    assert Adapter("x", Built()).generate("hello", {"max_tokens": 7}) == "hello"
