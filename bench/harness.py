"""Harness: runs one client as a child, takes its CPU, memory and times, and asks the endpoint what
really happened.

Rule: a client is measured whole, from the start of its process to its end, by what the kernel
accounts to exactly that child. The endpoint has a core of its own, the client another. A run that
did not hold its streams, or lost a request or a chunk, is no measurement and raises.
Why: a client that opens fewer streams than asked, or sends less, is cheap for the wrong reason.
"""

from __future__ import annotations

import compileall
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

import tailrace
from tailrace.simulate import Script, background

CLIENTS = Path(__file__).resolve().parent / "clients"
NAMES = ("raw", "tailrace", "aiohttp", "httpx")
SAMPLE_S = 0.02
_SCRIPTS = {"raw": "raw.py", "aiohttp": "aiohttp_client.py", "httpx": "httpx_client.py"}


class BenchError(Exception):
    """A run that measures nothing."""


@dataclass
class Spent:
    """What a child cost, and what it printed."""

    cpu_s: float
    peak_bytes: int
    wall_s: float
    began_ns: int
    """perf_counter_ns just before the process was made."""
    code: int
    out: str
    sleeps: int
    """Times that it waited for something; 0 where the kernel does not say."""


@dataclass
class Figures:
    """Percentiles of one run in ns, by name: ttft_p50, ttft_p99, gap_p50, gap_p99."""

    values: dict[str, float] = field(default_factory=dict)

    def minus(self, other: Figures) -> dict[str, float]:
        """The difference of each, in ms."""
        return {name: (value - other.values[name]) / 1e6 for name, value in self.values.items()}


@dataclass
class Run:
    """One client's job, measured."""

    client: str
    spent: Spent
    tokens: int
    said: Figures
    true: Figures
    first_request_s: float
    """Process start to the first request that the endpoint had read."""

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds per million streamed tokens."""
        return self.spent.cpu_s / self.tokens * 1e6


def cores() -> tuple[int | None, int | None]:
    """(the endpoint's core, the client's); None where processes cannot be bound, or is but one."""
    allowed = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


@contextlib.contextmanager
def bound_to(core: int | None) -> Iterator[None]:
    """Children made in this block start on that core and stay there."""
    if core is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def endpoint(script: Script) -> Iterator[str]:
    """The scripted endpoint on its own core; its base URL."""
    with contextlib.ExitStack() as stack:
        with bound_to(cores()[0]):
            url = stack.enter_context(background(script))
        yield url


def ask_truth(url: str, *, records: bool = True) -> dict[str, Any]:
    """What the endpoint knows of the requests since the last reset."""
    address = url.removesuffix("/v1") + ("/truth" if records else "/truth?requests=0")
    with urllib.request.urlopen(address, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def reset_truth(url: str) -> None:
    request = urllib.request.Request(url.removesuffix("/v1") + "/truth", method="DELETE")
    urllib.request.urlopen(request, timeout=60).close()


def client_command(name: str, url: str, streams: int, requests: int, tokens: int) -> list[str]:
    """How a client is started for a job; tailrace is given its --out by who runs it."""
    if name != "tailrace":
        numbers = map(str, (streams, requests, tokens))
        return [sys.executable, str(CLIENTS / _SCRIPTS[name]), url, *numbers]
    options = ["--url", url, "--model", "sim", "-c", str(streams), "--requests", str(requests)]
    options += ["--max-tokens", str(tokens), "--warmup", "0s", "--quiet"]
    return [sys.executable, "-m", "tailrace", "run", *options]


def start(command: Sequence[str], out: Any) -> subprocess.Popen[bytes]:
    """The child on its core, its output into a file; tailrace compiled, as pip installs it."""
    _compile_tailrace()
    with bound_to(cores()[1]):
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)


@functools.cache
def _compile_tailrace() -> None:
    """Where PYTHONDONTWRITEBYTECODE is set, each start of a checkout would compile it all anew."""
    compileall.compile_dir(Path(tailrace.__file__).parent, quiet=2)


def spend(command: Sequence[str]) -> Spent:
    """Run a child to its end; CPU and peak memory are of exactly that child."""
    with tempfile.TemporaryFile() as out:
        began_ns = time.perf_counter_ns()
        child = start(command, out)
        peak = 0
        cpu_s = 0.0
        with contextlib.suppress(psutil.NoSuchProcess):
            watched = psutil.Process(child.pid)
            while not _ended(child):
                peak = max(peak, peak_of(watched))
                cpu_s = _cpu_so_far(watched, cpu_s)
                time.sleep(SAMPLE_S)
        wall_s = (time.perf_counter_ns() - began_ns) / 1e9
        cpu_s, sleeps = _reap(child, cpu_s)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Spent(cpu_s, peak, wall_s, began_ns, child.returncode, text, sleeps)


def _ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended; where the kernel keeps its accounts, they are still to be read."""
    if hasattr(os, "wait4"):
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, child.pid, flags) is not None
    return child.poll() is not None


def _cpu_so_far(watched: psutil.Process, before: float) -> float:
    """Only where there is no wait4: the last look decides, a sample short at most."""
    if hasattr(os, "wait4"):
        return before
    times = watched.cpu_times()
    return float(times.user + times.system)


def _reap(child: subprocess.Popen[bytes], sampled_s: float) -> tuple[float, int]:
    """(CPU seconds, voluntary context switches) of the ended child."""
    if not hasattr(os, "wait4"):
        return sampled_s, 0
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_nvcsw


def peak_of(watched: psutil.Process) -> int:
    """Peak resident bytes of a process until now.

    Not ru_maxrss: a child inherits there what its parent held when it was made.
    """
    try:
        text = Path(f"/proc/{watched.pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        memory = watched.memory_info()
        return int(getattr(memory, "peak_wset", memory.rss))
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def run_client(name: str, url: str, streams: int, requests: int, tokens: int) -> Run:
    """One job, checked against the endpoint's own books."""
    reset_truth(url)
    command = client_command(name, url, streams, requests, tokens)
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder:
        if name == "tailrace":
            command += ["--out", folder]
        spent = spend(command)
        if spent.code not in (0, 11):  # 11: a noisy machine may make the verdict INVALID
            raise BenchError(f"{name} ended with {spent.code}:\n{spent.out[-2000:]}")
        said = tailrace_said(Path(folder)) if name == "tailrace" else client_said(spent.out)
    truth = ask_truth(url)
    records = [row for row in truth["requests"] if not row["id"].endswith("-cold")]
    _check(
        name, truth["max_in_flight"], len(records), said.pop("chunks"), streams, requests, tokens
    )
    first_s = (min(row["received_ns"] for row in truth["requests"]) - spent.began_ns) / 1e9
    return Run(name, spent, requests * tokens, Figures(said), true_figures(records), first_s)


def _check(
    name: str, in_flight: int, seen: int, chunks: float, streams: int, requests: int, tokens: int
) -> None:
    if in_flight != streams:
        raise BenchError(f"{name} held {in_flight} streams at most, not {streams}")
    if seen != requests:
        raise BenchError(f"{name} sent {seen} requests, not {requests}")
    if chunks != requests * tokens:
        raise BenchError(f"{name} counted {chunks:.0f} chunks, not {requests * tokens}")


def client_said(out: str) -> dict[str, float]:
    found = json.loads(out.splitlines()[-1])
    names = ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99")
    return {"chunks": found["chunks"]} | {name: found[f"{name}_ns"] for name in names}


def tailrace_said(folder: Path) -> dict[str, float]:
    (path,) = folder.glob("*/sim/result.json")
    stage = json.loads(path.read_bytes())["stages"][0]
    metrics = stage["metrics"]
    found: dict[str, float] = {"chunks": metrics["icl"]["n"] + metrics["ttft"]["n"]}
    for name, metric in (("ttft", "ttft"), ("gap", "icl")):
        for percent in ("p50", "p99"):
            found[f"{name}_{percent}"] = metrics[metric]["percentiles"][percent]["value_ns"]
    return found


def true_figures(records: list[dict[str, Any]]) -> Figures:
    """The endpoint's own percentiles: start of service to first write, and between writes."""
    import numpy as np

    writes = np.array([row["writes_ns"] for row in records], dtype=np.int64)
    started = np.array([row["started_ns"] for row in records], dtype=np.int64)
    found: dict[str, float] = {}
    for name, values in (("ttft", writes[:, 0] - started), ("gap", np.diff(writes).ravel())):
        p50, p99 = np.percentile(values, (50, 99), method="inverted_cdf")
        found |= {f"{name}_p50": float(p50), f"{name}_p99": float(p99)}
    return Figures(found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, columns padded so that it reads as text too."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [[text.ljust(width) for text, width in zip(head, widths, strict=True)]]
    lines.append(["-" * width for width in widths])
    lines += [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
