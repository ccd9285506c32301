"""A server of one's own: started, found ready, ended; and each way in which it may not come up."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tailrace.engine import guard
from tailrace.engine.loader import LoadError
from tailrace.engine.served import Served, footprint_of, last_words, ready_urls
from tailrace.scenarios.model_entry import ModelEntry

pytestmark = pytest.mark.asyncio

SIMULATE = (sys.executable, "-m", "tailrace", "simulate", "--port", "{port}")
SILENT = (sys.executable, "-c", "import time; print('hm', flush=True); time.sleep(120)", "{port}")

Make = Callable[..., Served]


def broken(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, "{port}")


@pytest_asyncio.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Served] = []

    def one(serve: tuple[str, ...], **more: object) -> Served:
        entry = ModelEntry("m", "sim", serve=serve, **more)  # type: ignore[arg-type]
        made.append(Served(entry, tmp_path / "m"))
        return made[-1]

    yield one
    for served in made:
        await served.unload()


def is_up(url: str) -> bool:
    try:
        return httpx.get(url + "/models", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


async def test_it_is_up_until_it_is_unloaded(make: Make, tmp_path: Path) -> None:
    served = make(SIMULATE)
    loaded = await served.load()
    assert loaded.base_url.endswith("/v1")
    assert loaded.model == "sim"
    assert is_up(loaded.base_url)
    assert served.ended() is None
    assert served.footprint is None
    await served.unload()
    assert not is_up(loaded.base_url)
    assert served.footprint is not None
    assert served.footprint["peak_rss_bytes"] > 10_000_000
    assert "listening on" in (tmp_path / "m" / "server.log").read_text()
    await served.unload()  # and once more is harmless


@pytest.mark.parametrize("ready", ["/v1/models", "/truth"])
async def test_another_path_may_say_that_it_is_ready(make: Make, ready: str) -> None:
    assert is_up((await make(SIMULATE, ready=ready).load()).base_url)


async def test_one_that_ends_gives_its_last_words(make: Make) -> None:
    served = make(
        broken("import sys; print('loading', flush=True); sys.exit('bad magic\\x1b[31m in a.gguf')")
    )
    with pytest.raises(LoadError) as caught:
        await served.load()
    assert caught.value.error_class == "server_ended"
    assert str(caught.value) == (
        "its server ended with code 1 (m/server.log says: bad magic in a.gguf) "
        "before the model was loaded"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a signal's number is POSIX's")
async def test_one_that_crashes_is_told_by_its_signal(make: Make) -> None:
    with pytest.raises(LoadError, match=r"was ended by signal 6 \(m/server.log is empty\)"):
        await make(broken("import os; os.kill(os.getpid(), 6)")).load()


async def test_one_that_never_gets_ready(make: Make) -> None:
    served = make(SILENT, ready_s=1.0)
    with pytest.raises(LoadError) as caught:
        await served.load()
    assert caught.value.error_class == "server_not_ready"
    for words in ("not ready within 1 s", "/v1/models", "ready_s", "says: hm"):
        assert words in str(caught.value)


async def test_a_program_that_is_not_there(make: Make) -> None:
    with pytest.raises(LoadError, match="no program 'no-such-server' here; mend 'serve'"):
        make(("no-such-server", "{port}"))


async def test_a_variable_that_is_not_set(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(LoadError, match=r"needs \$\{NO_SUCH\}"):
        make((*SIMULATE, "--model", "${NO_SUCH}"))


async def test_a_port_that_somebody_else_has(
    make: Make, sim_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "GRACE_S", 0.1)
    with pytest.raises(LoadError, match="answers before its server was started") as caught:
        await make(SIMULATE[:-1], url=sim_url).load()
    assert caught.value.error_class == "port_taken"


async def test_a_server_with_a_port_of_its_own(make: Make) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = make((*SIMULATE[:-1], str(port)), url=f"http://127.0.0.1:{port}/v1")
    assert is_up((await served.load()).base_url)


async def test_one_that_ends_on_the_way_is_noticed(make: Make, tmp_path: Path) -> None:
    served = make((*SIMULATE, "--slots", "1"))
    await served.load()
    assert served.ended() is None
    await served.unload()
    assert served.ended() is None  # nothing of ours is left to have ended


async def test_where_to_ask_whether_it_is_ready() -> None:
    assert [*map(str, ready_urls("http://h:1/api/v1", None))] == [
        "http://h:1/health",
        "http://h:1/api/v1/models",
    ]
    assert [*map(str, ready_urls("http://h:1/v1", "/ping"))] == ["http://h:1/ping"]


@pytest.mark.parametrize("said", [b"", b"{", b'{"peak_rss_bytes": null}'])
async def test_a_guard_that_saw_nothing(said: bytes) -> None:
    assert footprint_of(said) is None


LOGS = {
    b"": "",
    b"one\n\ntwo\r\n\xff three\tfour \n \n": "\ufffd three four",
    b"I up\nE error loading model: bad magic\nE failed\nexiting\n": (
        "E error loading model: bad magic … exiting"
    ),
    b"Traceback\n  File x\nValueError: no\n": "ValueError: no",
    b"x" * 300 + b"\n": "x" * 199 + "…",
}


@pytest.mark.parametrize("log", LOGS)
async def test_the_last_words_of_a_log(tmp_path: Path, log: bytes) -> None:
    path = tmp_path / "log"
    assert last_words(path) == ""
    path.write_bytes(log)
    assert last_words(path) == LOGS[log]
