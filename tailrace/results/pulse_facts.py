"""PulseFacts: how the client itself was while a stage was measured, as ``run.json`` keeps it.

Plain values only. ``None`` means that this system does not tell; whether a value is good or bad is
for ``audit.py``, so that thresholds can change and old runs be judged anew. Every field has a
default, so that files from before the field was kept still load.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tailrace.results.spread import Spread


@dataclass(slots=True)
class PulseFacts:
    """The client's health from the pulse's begin to its end."""

    wall_ns: int = 0
    """How long the pulse was taken, ns of the monotonic clock; 0 when it never was."""
    problem: str | None = None
    """What stopped the pulse before its end; the fields then tell of the time until then."""

    period_ns: int = 0
    """The event loop was to look at the clock once in so many ns."""
    alarm: str | None = None
    """What woke it: ``timerfd`` or ``loop timer``."""
    alarm_error_ns: int = 0
    """By how many ns that alarm may be late on an idle loop, which is no hiccup."""
    hiccups: Spread = field(default_factory=Spread)
    """How late the loop looked, ns. One value a period: a look that came k periods late also counts
    the k that fell due meanwhile, each later by a period than the next."""

    gc_runs: dict[str, int] = field(default_factory=dict)
    """Garbage collections by generation."""
    gc_total_ns: int = 0
    """Time in them, ns."""
    gc_pauses: Spread = field(default_factory=Spread)
    """Length of each, ns."""

    cpu_ns: int = 0
    """CPU time of this process, all threads, user and system, ns."""
    cpu_peak: float | None = None
    """Most CPU time in one window, as a share of one core. Windows last a second, or longer where
    the loop was blocked; a rest at the end that is shorter is in none."""
    cpu_windows_ns: dict[str, int] = field(default_factory=dict)
    """Length of the windows, ns, by their CPU time in whole per cent of one core, rounded down."""
    switches_involuntary: int | None = None
    """How often the kernel took the core away from this process."""

    machine_busy: float | None = None
    """Share of all cores' time in which they ran something, this process included."""
    machine_steal: float | None = None
    """Share of all cores' time that the hypervisor gave to others."""
    throttled: int | None = None
    """How many periods a cgroup's CPU limit stopped this process's group."""
    throttled_ns: int | None = None
    """For how long, ns, summed over the cores on which the group was stopped."""

    clock_drift_ppm: float | None = None
    """Wall clock against monotonic clock, parts per million, steps left out; ``None`` also where
    the time was too short to tell. Linux disciplines both alike, so it shows little there."""
    clock_steps: int = 0
    """How often the wall clock jumped."""
    clock_largest_step_ns: int = 0
    """The largest jump, ns; negative when it went back."""

    @property
    def cpu(self) -> float | None:
        """CPU time as a share of one core; more than 1 with several threads."""
        return self.cpu_ns / self.wall_ns if self.wall_ns else None
