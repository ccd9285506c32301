"""ServerSide: whether and how the server is watched while it is measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass

AUTO, OFF = "auto", "off"
DEFAULT_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerSide:
    """What ``--server-metrics``, ``--server-metrics-interval`` and ``--server-pid`` say."""

    metrics: str = AUTO
    """``auto``: what answers beside the model's URL; ``off``; or the URL of the metrics."""
    interval_s: float = DEFAULT_INTERVAL_S
    pid: str | None = None
    """``off``, ``auto`` or a process number; None is ``auto`` where there are metrics, else off."""

    @property
    def given_url(self) -> str | None:
        """The URL that was named; None where it is to be found, or not wanted."""
        return None if self.metrics in (AUTO, OFF) else self.metrics

    @property
    def wants_process(self) -> bool:
        """Whether a process is looked at even where there are no metrics."""
        return self.pid not in (None, OFF)
