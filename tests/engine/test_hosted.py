"""An adapter's process: found ready, asked with its token, ended; and why it may not come up."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tailrace.engine.hosted import Hosted, own_server
from tailrace.engine.loader import LoadError
from tailrace.engine.served import Served
from tailrace.scenarios.adapters import VARIABLE
from tailrace.scenarios.model_entry import PORT, ModelEntry

pytestmark = pytest.mark.asyncio

SOURCE = f"""
import os, sys, threading, time

class Told:
    def load(self, weights_path, **options):
        print("loading", weights_path)
        self.told = [weights_path, options, {VARIABLE!r} in os.environ]
    def generate(self, prompt, **params):
        return repr(self.told)

class Fails(Told):
    def load(self, weights_path):
        threading.Thread(target=time.sleep, args=(600,)).start()
        raise RuntimeError("no magic\\n in " + weights_path)

class Dies(Told):
    def load(self, weights_path):
        os.write(2, b"out of memory")
        os._exit(9)

class Never(Told):
    def load(self, weights_path):
        time.sleep(600)
"""

Make = Callable[..., Hosted]


@pytest_asyncio.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    (tmp_path / "adapters_here.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    made: list[Hosted] = []

    def one(name: str, **more: Any) -> Hosted:
        entry = ModelEntry("m", "id", adapter=f"adapters_here:{name}", weights="w.bin", **more)
        made.append(Hosted(entry, tmp_path / "m"))
        return made[-1]

    yield one
    for hosted in made:
        await hosted.unload()


async def test_it_is_up_until_it_is_unloaded(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "hush")
    hosted = make("Told", options={"n": 4, "api_key": "${MY_KEY}"})
    assert hosted.about == "adapter adapters_here:Told with w.bin"
    loaded = await hosted.load()
    assert loaded.model == "id"
    body = {"messages": [{"role": "user", "content": "x"}]}
    url = f"{loaded.base_url}/chat/completions"
    assert httpx.post(url, json=body, trust_env=False).status_code == 401
    headers = dict(loaded.headers)
    answer = httpx.post(url, json=body, headers=headers, trust_env=False).json()
    told = "['w.bin', {'n': 4, 'api_key': 'hush'}, False]"
    assert answer["choices"][0]["message"]["content"] == told
    assert hosted.ended() is None
    await hosted.unload()
    assert hosted.footprint is not None
    assert hosted.footprint["peak_rss_bytes"] > 10_000_000
    assert "loading w.bin" in (tmp_path / "m" / "server.log").read_text()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.parametrize(
    ("name", "error_class", "sentence"),
    [
        (
            "Fails",
            "adapter_failed",
            "adapter 'adapters_here:Fails' failed in load: RuntimeError: no magic in w.bin "
            "(traceback: m/server.log)",
        ),
        (
            "Nothing",
            "adapter_failed",
            "adapter 'adapters_here:Nothing' cannot be imported: AttributeError: module "
            "'adapters_here' has no attribute 'Nothing' (traceback: m/server.log)",
        ),
        (
            "Dies",
            "server_ended",
            "its adapter's process ended with code 9 (m/server.log says: out of memory) before the "
            "model was loaded",
        ),
    ],
)
async def test_one_that_does_not_come_up(
    make: Make, name: str, error_class: str, sentence: str
) -> None:
    with pytest.raises(LoadError) as caught:
        await make(name).load()
    assert caught.value.error_class == error_class
    assert str(caught.value) == sentence


async def test_the_log_has_the_traceback(make: Make, tmp_path: Path) -> None:
    with pytest.raises(LoadError):
        await make("Fails").load()
    log = (tmp_path / "m" / "server.log").read_text()
    assert 'adapters_here.py", line' in log
    assert "in load" in log


async def test_one_that_takes_too_long(make: Make) -> None:
    with pytest.raises(LoadError, match=r"its adapter's process was not ready within 1 s.*ready_s"):
        await make("Never", ready_s=1.0).load()


async def test_a_port_that_somebody_took_is_said(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr("tailrace.engine.served._free_port", lambda: port)
        with pytest.raises(LoadError, match=r"adapter cannot be asked on port [0-9]+: "):
            await make("Told").load()


async def test_one_that_nobody_has(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="adapter 'nobody' is in no installed package") as caught:
        Hosted(ModelEntry("m", "m", adapter="nobody"), tmp_path)
    assert caught.value.error_class == "no_such_adapter"
    entry = ModelEntry("m", "m", adapter="a:B", options={"x": "${NOT_SET_HERE}"})
    with pytest.raises(LoadError, match=r"'options' need \${NOT_SET_HERE}"):
        Hosted(entry, tmp_path)


async def test_each_model_gets_its_kind_of_server(tmp_path: Path) -> None:
    command = ModelEntry("m", "m", serve=(sys.executable, PORT))
    assert type(own_server(ModelEntry("m", "m", adapter="a:B"), tmp_path)) is Hosted
    assert type(own_server(command, tmp_path)) is Served
