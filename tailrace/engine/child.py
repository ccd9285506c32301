"""Child: a module of this package in a process of its own that talks over its standard streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from tailrace.engine.guard import own_group

_ROOT = str(Path(__file__).resolve().parents[2])
_LINE_BYTES = 64 * 1024
_NICE = 10


def python_path() -> str:
    """PYTHONPATH with which another Python finds this very package, and what this one finds."""
    return os.pathsep.join([_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])


async def start_child(
    module: str, line_bytes: int = _LINE_BYTES, cwd: Path | None = None
) -> asyncio.subprocess.Process:
    """``python -m module``, deaf to the terminal's Ctrl-C; ``line_bytes`` is its longest line."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=line_bytes,
        cwd=cwd,
        # no BLAS thread a core, which nothing would use; unless the user says otherwise
        env={"OPENBLAS_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": python_path()},
        **own_group(),
    )


async def end_child(process: asyncio.subprocess.Process, within_s: float) -> None:
    """Let it end by itself, for its standard input does, then insist."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def give_way() -> None:
    """Called in the child: the load goes first, and whatever this process already gave way to."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        this = psutil.Process()
        if sys.platform == "win32":
            this.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            this.nice(max(_NICE, this.nice()))
