"""The ``foundry`` program, run with a deadline: whatever it does, a run is not held up."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from tailrace.engine.foundry_command import ask_foundry, installed_version, is_installed
from tests.foundry_service import fake_foundry

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(sys.platform == "win32", reason="the fake program is a shell script"),
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


async def test_its_output_is_all_that_it_prints(path: Path) -> None:
    fake_foundry(path, {"--version": "0.8.119\n", "service status": "🟢 it's running\n"})
    assert is_installed()
    assert (await ask_foundry("service", "status")).text == "🟢 it's running\n"
    assert "Unrecognized" in ((await ask_foundry("server", "status")).text or "")  # on stderr
    assert await installed_version() == (0, 8)


async def test_without_the_program_that_is_said(path: Path) -> None:
    assert not is_installed()
    said = await ask_foundry("server", "status")
    assert (said.text, said.why) == (None, "is no program on the PATH")
    assert await installed_version() is None


async def test_one_that_hangs_is_ended_with_its_children(path: Path) -> None:
    program = path / "foundry"
    program.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {path}/child\nwait\n")
    program.chmod(0o755)
    began = time.monotonic()
    said = await ask_foundry("server", "status", within_s=0.5)
    assert time.monotonic() - began < 20
    assert (said.text, said.why) == (None, "did not end within 0.5 s")
    child = int((path / "child").read_text())
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() - began < 20
        time.sleep(0.02)


async def test_a_service_that_keeps_the_output_open_is_not_waited_for(path: Path) -> None:
    program = path / "foundry"
    program.write_text("#!/bin/sh\nsleep 30 &\necho http://127.0.0.1:1\n")
    program.chmod(0o755)
    began = time.monotonic()
    said = await ask_foundry("server", "status", within_s=25)
    assert time.monotonic() - began < 20
    assert said.text == "http://127.0.0.1:1\n"


async def test_one_that_cannot_be_run_or_prints_garbage(path: Path) -> None:
    program = path / "foundry"
    program.write_bytes(b"\x7fELF not really")
    program.chmod(0o755)
    assert "cannot be run" in (await ask_foundry("server", "status")).why
    program.write_text("#!/bin/sh\nprintf '\\377\\376\\000x'\n")
    assert (await ask_foundry("server", "status")).text == "\ufffd\ufffd\x00x"
