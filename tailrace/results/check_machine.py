"""Rows of ``tailrace check`` about this machine: from what was read to a verdict and a fix. Pure.

Rule: what a system does not tell is said to be so, and is no fault. Limits are held against the
load that is asked; the lines that raise them are those of the system at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.results.checks import Check, Status

GROUP = "this machine"
SPARE_FILES = 64
"""Open files beside the connections; as ``limits.py`` counts them."""
COARSE_NS = 10_000
"""A clock that steps by more than this cannot tell a fast gap."""
DRIFT_PPM = 200.0
BUSY, STEAL = 0.5, 0.01
"""Shares of all cores before any load."""
PORTS_SHARE = 0.5
STALE_DAYS = 30.0
NOT_TOLD = "not told by this system"

_MORE_FILES = {
    "Linux": "run 'ulimit -n {n}'; where the hard limit is lower, set 'nofile' in "
    "/etc/security/limits.conf (a service: LimitNOFILE={n}) and log in again",
    "Darwin": "run 'sudo launchctl limit maxfiles {n} {n}' and 'ulimit -n {n}'",
}
_MORE_PORTS = {
    "Linux": "run 'sudo sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"', or use fewer users",
    "Darwin": "run 'sudo sysctl -w net.inet.ip.portrange.first=16384', or use fewer users",
    "Windows": "run 'netsh int ipv4 set dynamicport tcp start=10000 num=55535' as administrator, "
    "or use fewer users",
}


@dataclass(frozen=True, slots=True)
class MachineLook:
    """What was read of the machine in a short look; None where the system does not tell."""

    system: str = "Linux"
    users: int = 1
    """Most connections that the asked levels hold."""
    workers: int = 1
    clock_step_ns: int = 100
    """The smallest step seen of the monotonic clock."""
    drift_ppm: float | None = None
    clock_steps: int = 0
    largest_step_ns: int = 0
    synchronised: bool | None = None
    """Whether the system says that something (NTP, PTP) keeps its wall clock."""
    open_files: tuple[int, int] | None = None
    """Soft and hard limit; -1 is none."""
    ports: tuple[int, int] | None = None
    """First and last ephemeral port."""
    cpus: int = 1
    cpus_usable: int = 1
    quota_cpus: float | None = None
    """What a cgroup allows, in CPUs."""
    busy: float | None = None
    steal: float | None = None
    throttled: int | None = None
    governor: str | None = None
    loop: str = "asyncio"
    loop_asked: str = "auto"
    kernel_stamps: bool = False
    no_stamps_because: str = ""
    reads: str = ""
    """What sockets are read by: ``C`` where that was built, ``Python``."""
    server_is_here: bool = False
    calibrated_at: str | None = None
    calibration_days: float = 0.0
    calibrated_by: str = ""
    """Version of tailrace that made it."""
    version: str = ""
    calibrate_command: str = "tailrace calibrate"


def machine_rows(look: MachineLook) -> list[Check]:
    """Every row of the group."""
    rules = (_clock, _files, _ports, _cpus, _quiet, _governor, _loop, _stamps, _calibration)
    return [row for rule in rules for row in rule(look)]


def _row(name: str, status: Status, found: str, fix: str = "") -> Check:
    return Check(GROUP, name, status, found, fix)


def _clock(look: MachineLook) -> Iterator[Check]:
    step = f"monotonic, steps of {look.clock_step_ns} ns"
    if look.clock_step_ns > COARSE_NS:
        fix = "measure from another machine: gaps shorter than a step cannot be seen"
        yield _row("clock", "warn", step, fix)
    else:
        yield _row("clock", "ok", step)
    drift = (
        "drift not to be told"
        if look.drift_ppm is None
        else f"drift {round(look.drift_ppm, 1) + 0.0} ppm"
    )
    kept = {True: "kept by NTP or PTP", False: "kept by nobody", None: f"keeper {NOT_TOLD}"}
    found = f"{kept[look.synchronised]}, {drift}"
    if look.clock_steps:
        found = f"stepped by {look.largest_step_ns / 1e6:+.3f} ms in the look"
        fix = "let the time service settle first: kernel stamps are in wall time"
        yield _row("wall clock", "warn", found, fix)
    elif look.synchronised is False:
        fix = (
            "start chrony or systemd-timesyncd where times of several machines are compared; "
            "latencies do not need it"
        )
        yield _row("wall clock", "warn", found, fix)
    elif look.drift_ppm is not None and abs(look.drift_ppm) > DRIFT_PPM:
        fix = f"wait until the time service corrects it by less than {DRIFT_PPM:.0f} ppm"
        yield _row("wall clock", "warn", found, fix)
    else:
        yield _row("wall clock", "ok", found)


def _files(look: MachineLook) -> Iterator[Check]:
    if look.open_files is None:
        yield _row("open files", "ok", NOT_TOLD)
        return
    soft, hard = look.open_files
    needed = look.users + SPARE_FILES
    found = f"{_limit(soft)} of at most {_limit(hard)}, {needed} needed for {_users(look.users)}"
    if hard != -1 and hard < needed:
        fix = _MORE_FILES.get(look.system, "raise the limit on open files to {n}").format(n=needed)
        yield _row("open files", "fail", found, fix)
    elif soft != -1 and soft < needed:
        yield _row("open files", "ok", f"{found}; the run raises its own limit")
    else:
        yield _row("open files", "ok", found)


def _limit(number: int) -> str:
    return "unlimited" if number == -1 else str(number)


def _users(number: int) -> str:
    return f"{number} user{'s' * (number != 1)}"


def _ports(look: MachineLook) -> Iterator[Check]:
    if look.ports is None:
        yield _row("local ports", "ok", NOT_TOLD)
        return
    first, last = look.ports
    room = last - first + 1
    found = f"{room} ({first} to {last}) for {_users(look.users)}"
    fix = _MORE_PORTS.get(look.system, "widen the range of ephemeral ports, or use fewer users")
    if look.users > room:
        yield _row("local ports", "fail", found, fix)
    elif look.users > PORTS_SHARE * room:
        why = "a server that closes connections leaves each port waiting for a minute"
        yield _row("local ports", "warn", f"{found}: {why}", fix)
    else:
        yield _row("local ports", "ok", found)


def _cpus(look: MachineLook) -> Iterator[Check]:
    found = f"{look.cpus_usable} of {look.cpus} usable"
    if look.quota_cpus is not None:
        found += f", limited to {look.quota_cpus:g} by a cgroup"
    if look.server_is_here:
        found += "; the server shares them"
    room = min(look.cpus_usable, look.quota_cpus or look.cpus_usable)
    if room < 1:
        fix = "raise the container's CPU limit to 1 or more: a stopped client stamps late"
        yield _row("CPUs", "warn", found, fix)
    elif look.workers > room:
        fix = f"give at most --workers {int(room)}"
        yield _row("CPUs", "warn", f"{found}; {look.workers} workers asked", fix)
    else:
        yield _row("CPUs", "ok", found)


def _quiet(look: MachineLook) -> Iterator[Check]:
    if look.busy is None:
        yield _row("other load", "ok", NOT_TOLD)
        return
    found = f"{look.busy:.0%} of all cores busy before the run"
    if look.steal is not None:
        found += f", {look.steal:.1%} stolen"
    if look.throttled:
        fix = "raise the container's CPU limit: a stopped client stamps late"
        yield _row("other load", "warn", f"{found}, stopped {look.throttled} times", fix)
    elif (look.steal or 0.0) > STEAL:
        fix = "measure from a machine whose cores are not shared with other guests"
        yield _row("other load", "warn", found, fix)
    elif look.busy > BUSY:
        fix = "end what else runs here, or wait for it: its load ends up in the latencies"
        yield _row("other load", "warn", found, fix)
    else:
        yield _row("other load", "ok", found)


def _governor(look: MachineLook) -> Iterator[Check]:
    if look.governor is None:
        yield _row("CPU governor", "ok", NOT_TOLD)
    elif look.governor == "performance":
        yield _row("CPU governor", "ok", look.governor)
    else:
        fix = "run 'sudo cpupower frequency-set -g performance' for figures that repeat"
        yield _row("CPU governor", "warn", look.governor, fix)


def _loop(look: MachineLook) -> Iterator[Check]:
    if look.loop == "asyncio" and look.loop_asked != "asyncio":
        package = "winloop" if look.system == "Windows" else "uvloop"
        fix = f"run 'pip install {package}' for a client that has more to spare"
        yield _row("event loop", "warn", f"asyncio, {package} is not installed", fix)
    else:
        asked = ", as asked" if look.loop_asked == "asyncio" else ""
        yield _row("event loop", "ok", look.loop + asked)


def _stamps(look: MachineLook) -> Iterator[Check]:
    if look.kernel_stamps:
        by = f", read by {look.reads}" if look.reads else ""
        yield _row("stamps", "ok", f"the kernel's receive stamps{by}")
        return
    fix = "keep the client far from its ceiling ('tailrace calibrate' tells it)"
    if look.system == "Linux":
        fix += ", or measure over plain HTTP from beside the server, with the defaults"
    yield _row("stamps", "warn", f"taken by the event loop: {look.no_stamps_because}", fix)


def _calibration(look: MachineLook) -> Iterator[Check]:
    fix = f"run '{look.calibrate_command}' once, so that runs state their own error"
    if look.calibrated_at is None:
        yield _row("calibration", "warn", "none for this loop, transport and stamps", fix)
        return
    found = f"of {look.calibrated_at[:10]}, tailrace {look.calibrated_by}"
    if look.calibration_days > STALE_DAYS:
        yield _row("calibration", "warn", f"{found}, {look.calibration_days:.0f} days old", fix)
    elif look.calibrated_by != look.version:
        yield _row("calibration", "warn", f"{found}, this is {look.version}", fix)
    else:
        yield _row("calibration", "ok", found)
