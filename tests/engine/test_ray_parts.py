"""The parts of a run on a cluster that need no cluster."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.fleet import FleetError
from tailrace.engine.ray_actor import Part, RayWorker, parts_of
from tailrace.engine.ray_fleet import join, node_names, reason, require_reachable, skew
from tailrace.engine.ray_line import RayLine
from tailrace.engine.tls import PASSWORD, password_of
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.reach import Reach

TOOL = {"version": "1", "python": "CPython 3.12", "packages": {"numpy": "2.1", "uvloop": "0.21"}}


def scenario(url: str) -> Scenario:
    return Scenario(url, ("m",), (Level(1, 0.0, 1.0, None),))


def fetched(folder: Path, most_bytes: int) -> dict[str, bytes]:
    """What a run has after asking until there is no more."""
    taken: dict[str, int] = {}
    got: dict[str, bytes] = {}
    more = True
    while more:
        parts, more = parts_of(folder, taken, most_bytes)
        for part in parts:
            assert part.at_bytes == len(got.get(part.path, b""))
            got[part.path] = got.get(part.path, b"") + part.rows
            taken[part.path] = len(got[part.path])
    return got


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.binary(max_size=40), max_size=8), min_size=1, max_size=4),
    st.integers(1, 64),
    st.binary(max_size=10),
)
def test_every_whole_row_comes_once_in_bounded_batches(
    tmp_path_factory: pytest.TempPathFactory,
    journals: list[list[bytes]],
    most_bytes: int,
    torn: bytes,
) -> None:
    folder = tmp_path_factory.mktemp("run")
    wanted = {}
    for number, rows in enumerate(journals):
        whole = b"".join(row.replace(b"\n", b"") + b"\n" for row in rows)
        path = folder / f"m-{number}" / f"requests.{number}.jsonl"
        path.parent.mkdir()
        path.write_bytes(whole + torn.replace(b"\n", b""))
        if whole:
            wanted[path.relative_to(folder).as_posix()] = whole
    assert fetched(folder, most_bytes) == wanted


def test_a_head_that_is_too_busy_for_a_client_is_asked_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def init(address: str, **_: object) -> None:
        asked.append(address)
        if len(asked) != 2:
            raise ConnectionAbortedError("Initialization failure from server:\nTraceback …\nslow")

    monkeypatch.setattr("tailrace.engine.ray_fleet.ray.init", init)
    join("ray://weir:1")
    assert asked == ["ray://weir:1"] * 2
    with pytest.raises(ConnectionAbortedError):
        join("ray://weir:1")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("weir is away\nmore"), "weir is away"),
        (RuntimeError("from server:\nTraceback (most\n  File\nRuntimeError: slow\n"), "slow"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_of_what_ray_says_the_reason_is_told(error: Exception, said: str) -> None:
    assert reason(error).endswith(said)


def test_nodes_are_told_apart() -> None:
    assert node_names([("a", "1" * 8), ("b", "2" * 8), ("a", "1" * 8)]) == ["a", "b", "a"]
    assert node_names([("a", "1" * 8), ("a", "2" * 8)]) == ["a/111111", "a/222222"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"version": "2"}, ["version 2 instead of 1"]),
        ({"packages": {"numpy": "2.0", "uvloop": "0.21"}}, ["numpy 2.0 instead of 2.1"]),
        ({"packages": {"numpy": "2.1"}}, ["uvloop missing instead of 0.21"]),
        (
            {"python": "CPython 3.11", "packages": {**TOOL["packages"], "orjson": "3"}},  # type: ignore[dict-item]
            ["python CPython 3.11 instead of CPython 3.12", "orjson 3 instead of none"],
        ),
    ],
)
def test_other_versions_are_named(change: dict[str, Any], said: list[str]) -> None:
    assert skew(TOOL, TOOL | change) == said


def test_a_loopback_url_is_refused_where_it_is_many_machines() -> None:
    require_reachable(scenario("http://127.0.0.1:1/v1"), ["a", "a"])
    require_reachable(scenario("http://10.0.0.1:1/v1"), ["a", "b"])
    with pytest.raises(FleetError, match="is each node's own machine, and the workers are on 2"):
        require_reachable(scenario("http://localhost:1/v1"), ["a", "b"])


class Remote:
    """A method of an actor that answers once and then is gone."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    async def remote(self, *_: Any) -> Any:
        return self._answers.pop(0)


class Silent:
    """An actor behind a cut link: whatever it is asked, there is no answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self

    async def remote(self, *_: Any) -> Any:
        self.asked.append("something")
        await asyncio.Event().wait()


def test_a_silent_node_is_killed_and_nothing_more_is_asked_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Any] = []
    monkeypatch.setattr("tailrace.engine.ray_line.SILENT_S", 0.05)
    monkeypatch.setattr("tailrace.engine.ray_line.ray.kill", killed.append)
    actor = Silent()

    async def lost() -> str:
        line = RayLine(actor, "n", tmp_path)
        assert await said(line) == []
        assert killed == [actor]
        await line.aclose()
        return await line.fate()

    assert asyncio.run(lost()) == "said nothing for 0.05 s"
    assert len(actor.asked) == 1


class Told:
    """An actor that tells this."""

    def __init__(self, parts: list[Part]) -> None:
        self.news = Remote(([b"{}\n"], parts, None), ([], [], "ended with code 0"))


async def said(line: RayLine) -> list[bytes]:
    return [each async for each in line.lines()]


def test_rows_are_on_disk_before_the_lines_that_follow_them(tmp_path: Path) -> None:
    line = RayLine(Told([Part("m/requests.1.jsonl", 0, b"a\n")]), "n", tmp_path)
    assert asyncio.run(said(line)) == [b"{}\n"]
    assert (tmp_path / "m" / "requests.1.jsonl").read_bytes() == b"a\n"
    assert asyncio.run(line.fate()) == "ended with code 0"


@pytest.mark.parametrize(
    "path",
    ["../x/requests.1.jsonl", "/etc/requests.1.jsonl", "m/run.json", "..x/../requests.1.jsonl"],
)
def test_a_node_cannot_name_a_file_of_another_kind(tmp_path: Path, path: str) -> None:
    line = RayLine(Told([Part(path, 0, b"a\n")]), "n", tmp_path / "run")
    (tmp_path / "run").mkdir()
    assert asyncio.run(said(line)) == []
    assert "is no journal's name" in asyncio.run(line.fate())
    assert list((tmp_path / "run").rglob("*")) == []


def orders() -> bytes:
    told = {"scenario": scenario("http://127.0.0.1:9/v1"), "origin": [0, 0], "share": [0, 1]}
    return msgspec.json.encode(told | {"secret_headers": [], "first_sequence": 0})


def test_a_worker_that_nobody_asks_any_more_ends_and_its_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tailrace.engine.ray_actor.ALONE_S", 2.5)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def left_alone() -> tuple[bytes, str | None]:
        worker = RayWorker()
        await worker.start(orders(), {}, "r")
        lines: list[bytes] = []
        while not lines:
            lines += (await worker.news({})).lines
        async with asyncio.timeout(30):
            await worker._listening
        return b"".join(lines), (await worker.news({})).fate

    ready, fate = asyncio.run(left_alone())
    assert b'"ready":true' in ready
    assert fate is not None
    assert fate.startswith("ended with code")
    assert list(tmp_path.glob("tailrace-r-*/run"))


def test_a_worker_that_is_asked_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tailrace.engine.ray_actor.ALONE_S", 2.5)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def asked() -> str | None:
        worker = RayWorker()
        await worker.start(orders(), {}, "r")
        for _ in range(8):  # more than twice as long as nobody may be away
            fate = (await worker.news({})).fate
            await asyncio.sleep(0.75)
        await worker.finish()
        return fate

    assert asyncio.run(asked()) is None


def test_a_password_goes_with_the_files_that_it_opens_and_with_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD, "open-sesame")
    bare = scenario("https://10.0.0.1:1/v1")
    assert password_of(bare) == ""
    assert password_of(replace(bare, reach=Reach(client_cert="cert.pem"))) == "open-sesame"
    monkeypatch.delenv(PASSWORD)
    assert password_of(replace(bare, reach=Reach(client_cert="cert.pem"))) == ""
