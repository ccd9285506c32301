"""Running the endpoint: in this process until a signal, or in one of its own.

Rule: one line on stdout when it is up, and nothing else; SIGINT, SIGTERM or, for a child, the end
of its stdin stops it cleanly.
Why: whoever starts it waits for that line, and a child must not outlive who started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tailrace.simulate.script import Script, script_from, script_values
from tailrace.simulate.server import serve

if sys.platform != "win32":
    import resource

LINE = "tailrace simulate: listening on "
LOOPS = ("auto", "uvloop", "winloop", "asyncio")
UNTIL_EOF = "until-eof"


def run(
    script: Script,
    host: str = "127.0.0.1",
    port: int = 0,
    loop: str = "auto",
    *,
    until_eof: bool = False,
) -> None:
    """Serve until a signal, and with `until_eof` no longer than stdin lasts."""
    _more_files()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(_until_stopped(script, host, port, until_eof))


async def _until_stopped(script: Script, host: str, port: int, until_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    _on_signals(loop, stop)
    if until_eof:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    serving = asyncio.ensure_future(serve(script, host, port, _announce))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    for task in (serving, stopping):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _announce(url: str) -> None:
    print(f"{LINE}{url}", flush=True)


def _on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


def _more_files() -> None:
    """Raise the limit of open files as far as it goes; each connection is one."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the named event loop; "auto" takes the fastest that is installed."""
    if name not in LOOPS:
        raise ValueError(f"unknown loop {name!r}; known: {', '.join(LOOPS)}")
    if name == "asyncio":
        return asyncio.new_event_loop
    fast = "winloop" if sys.platform == "win32" else "uvloop"
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            fast if name == "auto" else name
        ).new_event_loop
    except ImportError:
        if name != "auto":
            raise
        return asyncio.new_event_loop
    return factory


class Endpoint(NamedTuple):
    """A served script: where it is asked, and the process that answers."""

    url: str
    pid: int


@contextlib.contextmanager
def background(
    script: Script | None = None,
    *,
    loop: str = "auto",
    port: int = 0,
    wait_s: float = 20.0,
) -> Iterator[str]:
    """Serve in a process of its own, and yield the base URL. An API key shows in its arguments."""
    with endpoint(script, loop=loop, port=port, wait_s=wait_s) as served:
        yield served.url


@contextlib.contextmanager
def endpoint(
    script: Script | None = None,
    *,
    loop: str = "auto",
    port: int = 0,
    wait_s: float = 20.0,
) -> Iterator[Endpoint]:
    """The same for whoever also wants to know what the endpoint's process spends."""
    values = json.dumps(script_values(script or Script()))
    command = [sys.executable, "-m", "tailrace.simulate", values, str(port), loop, UNTIL_EOF]
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        yield Endpoint(_address(child, wait_s), child.pid)
    finally:
        _stop(child)


def _address(child: subprocess.Popen[str], wait_s: float) -> str:
    """The URL in the child's one line; a child that is silent too long is ended."""
    assert child.stdout is not None
    timer = threading.Timer(wait_s, child.kill)
    timer.start()
    try:
        line = child.stdout.readline()
    finally:
        timer.cancel()
    if not line.startswith(LINE):
        raise RuntimeError(f"the simulated endpoint did not start: {line.strip()!r}")
    return line.removeprefix(LINE).strip()


def _stop(child: subprocess.Popen[str]) -> None:
    if sys.platform != "win32":
        child.terminate()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(arguments: list[str]) -> int:
    """`python -m tailrace.simulate [SCRIPT_JSON [PORT [LOOP [until-eof]]]]`."""
    defaults = ("{}", "0", "auto", "")
    values, port, loop, until = (*arguments, *defaults[len(arguments) :])[:4]
    try:
        script = script_from(json.loads(values))
        number = int(port)
        loop_factory(loop)
    except (ValueError, TypeError) as error:
        print(f"tailrace simulate: {error}", file=sys.stderr)
        return 2
    run(script, port=number, loop=loop, until_eof=until == UNTIL_EOF)
    return 0
