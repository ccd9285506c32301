"""The process that serves a run's metrics, as the run holds it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tailrace.errors import UsageError
from tailrace.metrics_endpoint.beside import END_S, now_of, served
from tailrace.results.export.openmetrics import OPENMETRICS_TYPE, PLAIN_TYPE
from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder
from tailrace.results.render.live import Snapshot

from ..results.builders import facts, run_folder, stage
from ..results.render.test_live import NOW, STARTS

SHOWN = Snapshot(**{name: getattr(NOW, name) for name in NOW.__slots__} | {"client": (STARTS,)})


def folder_of(path: Path) -> RunFolder:
    folder = run_folder(path, [])
    under_way = stage([], SHOWN.stage_index, load="8", ended_ns=None)
    folder.write_facts(facts(ModelFacts(SHOWN.model, "m", stages=[under_way])))
    return folder


def held(path: Path, look: Callable[[], Snapshot | None], act: Callable[[str], None]) -> None:
    """Do something with the URL while the metrics are served."""
    folder, said = folder_of(path), list[str]()

    async def main() -> None:
        async with served("127.0.0.1", 0, folder.path, look, said.append):
            await asyncio.to_thread(act, said[0].removeprefix("metrics at "))

    asyncio.run(main())


def test_what_only_the_run_knows_is_asked_for(tmp_path: Path) -> None:
    looks = 0
    begun = time.monotonic()

    def look() -> Snapshot:
        nonlocal looks
        looks += 1
        return SHOWN

    def act(url: str) -> None:
        for _ in range(5):
            answer = httpx.get(url)
            assert answer.headers["content-type"] == PLAIN_TYPE
            assert f"}} {SHOWN.in_flight}.0\n" in answer.text
            assert 'tailrace_audit{finding="starts"' in answer.text
        answer = httpx.get(url, headers={"Accept": "application/openmetrics-text"})
        assert answer.headers["content-type"] == OPENMETRICS_TYPE
        assert httpx.get(url.removesuffix("metrics")).status_code == 404

    held(tmp_path, look, act)
    assert 1 <= looks <= 1 + time.monotonic() - begun


def test_a_run_whose_loop_is_busy_is_not_waited_for(tmp_path: Path) -> None:
    def look() -> None:
        time.sleep(1.5)

    def act(url: str) -> None:
        answer = httpx.get(url)
        assert answer.status_code == 200
        assert "tailrace_requests_in_flight" not in answer.text

    held(tmp_path, look, act)


def test_the_end_waits_for_no_scraper(tmp_path: Path) -> None:
    sockets: list[socket.socket] = []

    def act(url: str) -> None:
        asked = httpx.URL(url)
        for request in (b"", b"GET /met", b"GET /metrics HTTP/1.1\r\n\r\n"):
            sockets.append(socket.create_connection((asked.host, asked.port or 0)))
            sockets[-1].sendall(request)
        sockets.append(socket.socket())
        ended.append(time.monotonic())

    ended: list[float] = []
    held(tmp_path, lambda: None, act)
    assert time.monotonic() - ended[0] < END_S  # it ended by itself
    for each in sockets:
        each.close()


def test_a_port_that_is_taken_meanwhile(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)

    async def main(port: int) -> None:
        async with served("127.0.0.1", port, folder.path, lambda: None, print):
            raise AssertionError("it is not served")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127.0.0.1:{port} cannot be .*: Address .* in use;"):
            asyncio.run(main(port))


def test_what_is_told_of_a_snapshot() -> None:
    now = now_of(SHOWN)
    assert now[:3] == (SHOWN.model, SHOWN.stage_index + 1, SHOWN.phase)
    assert (now.elapsed_s, now.planned_s) == (SHOWN.elapsed_s, SHOWN.planned_s)
    assert now.audit == {STARTS.name: STARTS.status}
