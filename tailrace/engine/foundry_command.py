"""The ``foundry`` program, run with a deadline.

Rule: it never holds up a run. Its output goes to a file instead of a pipe, because a service that
it starts on the way inherits the pipe and would keep it open for ever; and what is left of it after
the deadline is ended, its children too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from typing import NamedTuple

from tailrace.engine.foundry_cli import Version, version_of
from tailrace.engine.guard import own_group

PROGRAM = "foundry"
WITHIN_S = 10.0
_MOST_BYTES = 1_000_000


class Said(NamedTuple):
    """What came of one call."""

    text: str | None
    """Everything it printed; None where it did not end by itself."""
    why: str = ""
    """Why there is no text, fit for half a sentence."""


def is_installed() -> bool:
    """Whether there is such a program on the PATH."""
    return shutil.which(PROGRAM) is not None


async def ask_foundry(*arguments: str, within_s: float = WITHIN_S) -> Said:
    """Run ``foundry ARGUMENTS``; never raises."""
    program = shutil.which(PROGRAM)
    if program is None:
        return Said(None, "is no program on the PATH")
    with tempfile.TemporaryFile() as out:
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *arguments,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                **own_group(),
            )
        except OSError as exc:
            return Said(None, f"cannot be run ({exc.strerror})")
        try:
            async with asyncio.timeout(within_s):
                await process.wait()
        except TimeoutError:
            return Said(None, f"did not end within {within_s:g} s")
        finally:
            if process.returncode is None:
                await _end(process)
        out.seek(0)
        return Said(out.read(_MOST_BYTES).decode("utf-8", "replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    await process.wait()


async def installed_version(within_s: float = WITHIN_S) -> Version | None:
    """What ``foundry --version`` says; None where there is no such program, or it does not."""
    said = await ask_foundry("--version", within_s=within_s)
    return None if said.text is None else version_of(said.text)
