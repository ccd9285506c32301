"""Host: what machine and software a run was made with, as plain values for ``run.json``."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tailrace import __version__
from tailrace.engine import wire_reads

_PACKAGES = ("httpx", "httptools", "hdrhistogram", "orjson", "uvloop", "winloop", "numpy", "anyio")


def tool() -> dict[str, Any]:
    """Name and version of tailrace, Python, the packages on the hot path, and what reads in it."""
    return {
        "name": "tailrace",
        "version": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "reads": wire_reads.load()[1],
    }


def fingerprint() -> dict[str, Any]:
    """The machine; what a system does not tell is left out."""
    facts = {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "cpus_usable": usable_cpus(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "memory_bytes": _memory_bytes(),
        "load_1m": _load(),
        "open_files_limit": _open_files(),
        "ephemeral_ports": _read("/proc/sys/net/ipv4/ip_local_port_range"),
    }
    return {key: value for key, value in facts.items() if value not in (None, "")}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _read(path: str) -> str | None:
    try:
        return " ".join(Path(path).read_text(encoding="utf-8").split())
    except OSError:
        return None


def _cpu_model() -> str:
    for line in (_read_lines("/proc/cpuinfo")) or ():
        if line.lower().startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _read_lines(path: str) -> list[str] | None:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None


def usable_cpus() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _open_files() -> list[int] | None:
    if sys.platform == "win32":
        return None
    import resource

    return list(resource.getrlimit(resource.RLIMIT_NOFILE))
