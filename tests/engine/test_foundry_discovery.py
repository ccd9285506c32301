"""Where Foundry Local listens: each step in turn, and a sentence of everything tried.

The services are emulated from public issues.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.engine import foundry_discovery
from tailrace.engine.foundry_discovery import VARIABLE, discover, root_of
from tailrace.engine.loader import LoadError
from tailrace.simulate import Script, background
from tests.foundry_service import (
    NO_SUCH_COMMAND,
    NOT_RUNNING,
    FoundryService,
    fake_foundry,
    foundry_service,
    ready,
    running,
)

pytestmark = pytest.mark.asyncio
posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="the fake program is a shell script"
)


@pytest.fixture(scope="module")
def service() -> Iterator[FoundryService]:
    with foundry_service() as one:
        yield one


def closed_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that this machine may really have."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(foundry_discovery, "DEFAULT", closed_url())


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/openai/status", "/status"])
async def test_what_the_user_names_comes_first(service: FoundryService, ending: str) -> None:
    found = await discover(service.root + ending, {VARIABLE: closed_url()})
    assert (found.api.root, found.by, found.api.group) == (service.root, "the URL", "service")
    assert found.api.base_url == service.url


async def test_the_environment_comes_second(service: FoundryService, tmp_path: Path) -> None:
    fake_foundry(tmp_path, {"server status": ready(closed_url())})
    found = await discover(None, {VARIABLE: f" {service.root}/ "})
    assert (found.api.root, found.by) == (service.root, VARIABLE)


async def test_what_is_named_is_refused_and_never_replaced(
    service: FoundryService, tmp_path: Path
) -> None:
    fake_foundry(tmp_path, {"service status": running(service.root), "--version": "0.8.1"})
    url = closed_url()
    for given, environment, words in (
        (url, {}, f"the URL {url} does not answer"),
        (None, {VARIABLE: url}, f"{VARIABLE} {url} does not answer"),
        (None, {VARIABLE: "ftp://x"}, VARIABLE),
    ):
        with pytest.raises(LoadError, match=words):
            await discover(given, environment)


@posix_only
async def test_the_newer_command_then_the_older_one(
    service: FoundryService, tmp_path: Path
) -> None:
    fake_foundry(tmp_path, {"server status": ready(service.root)})
    assert (await discover(None, {})).by == "`foundry server status`"
    fake_foundry(tmp_path, {"service status": running(service.root)})
    found = await discover(None, {})
    assert (found.api.root, found.by) == (service.root, "`foundry service status`")


async def test_the_usual_port_comes_last(
    service: FoundryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foundry_discovery, "DEFAULT", service.root)
    assert (await discover(None, {})).by == "the usual port"


@posix_only
async def test_a_failed_search_says_all_that_was_tried_and_the_line_to_type(
    tmp_path: Path,
) -> None:
    fake_foundry(
        tmp_path,
        {
            "server status": NO_SUCH_COMMAND.format("server"),
            "service status": NOT_RUNNING,
            "--version": "0.8.119",
        },
    )
    with pytest.raises(LoadError) as caught:
        await discover(None, {})
    assert caught.value.error_class == "foundry_not_found"
    assert str(caught.value).startswith(
        "Foundry Local is not found: `foundry server status` is not known to this version; "
        "`foundry service status` says that it is not running; the usual "
        f"{foundry_discovery.DEFAULT} does not answer ("
    )
    assert "; start it with `foundry service start`, or name it with --url" in str(caught.value)


@posix_only
async def test_one_that_says_ready_and_does_not_listen_is_passed_over(
    tmp_path: Path, service: FoundryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = closed_url()
    fake_foundry(tmp_path, {"server status": ready(dead), "--version": "0.10.2"})
    with pytest.raises(LoadError, match=f"names {dead}, which does not answer") as caught:
        await discover(None, {})
    assert "`foundry server start`" in str(caught.value)
    monkeypatch.setattr(foundry_discovery, "DEFAULT", service.root)
    assert (await discover(None, {})).api.root == service.root


@posix_only
async def test_a_program_that_hangs_has_a_deadline_at_every_step(tmp_path: Path) -> None:
    hangs = ("server status", "service status", "--version")
    fake_foundry(tmp_path, {}, hangs)
    with pytest.raises(LoadError) as caught:
        await discover(None, {}, within_s=0.3)
    assert str(caught.value).count("did not end within 0.3 s") == 2
    assert "`foundry server start` (before version 0.10:" in str(caught.value)


async def test_without_the_program_that_is_said_once() -> None:
    with pytest.raises(LoadError) as caught:
        await discover(None, {})
    assert str(caught.value).count("no program `foundry` on the PATH") == 1


async def test_how_to_install_it_is_said_where_a_package_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foundry_discovery, "install_line", lambda platform: f"`get {platform}`")
    with pytest.raises(LoadError, match=f"; install it with `get {sys.platform}`, start it"):
        await discover(None, {})


async def test_another_server_is_not_taken_for_it() -> None:
    with background(Script()) as url, pytest.raises(LoadError, match="is no Foundry Local"):
        await discover(url, {})


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://h:1/v1", "http://h:1"),
        ("http://h:1/foundry/v1/", "http://h:1/foundry"),
        ("http://h:1", "http://h:1"),
    ],
)
async def test_the_root_of_any_of_its_urls(url: str, root: str) -> None:
    assert root_of(url) == root
