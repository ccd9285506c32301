"""Calibration: how true this client's figures are on one machine, and how much load it can make.

Rule: an error bound comes from a load that was measured and at least as high as the asked one; a
load beyond all of them gets the highest one's bound and says so. A ceiling says whether it was
reached or only extrapolated. Pure: the measuring is in ``tailrace.calibrate``.

Why: an instrument that does not state its own error lets every reader assume that it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tailrace.errors import ResultError
from tailrace.results.accuracy import Accuracy

CALIBRATION_SCHEMA = "tailrace.calibration/1"

Limit = Literal["client", "endpoint", "neither"]

FULL = 0.9
"""From this share of one CPU on, a process with one thread is taken to be at its limit."""
HELD = 0.9
"""A load of which less came was not held."""
SOME = 100
"""Fewest samples whose p99 is not merely their largest."""
SLACK = 1.05
"""Two runs of the same load differ by a few per cent in tokens a second."""
METRICS = ("ttft", "gap", "e2e")

_HOST_KEYS = ("cpu", "cpus", "system", "machine")
_ENGINE_KEYS = ("loop", "transport", "stamps")


@dataclass(frozen=True, slots=True)
class CalibratedLevel:
    """One load against the scripted endpoint."""

    streams: int
    asked_tokens_per_s: float
    """What the script would give, were everyone on time."""
    tokens_per_s: float
    client_cpu: float
    """Of one CPU, this process, inside the measure window."""
    endpoint_cpu: float
    lag_p99_ns: int | None
    """Kernel's receive stamp to the moment the read was seen; in no metric."""
    ttft: Accuracy
    gap: Accuracy
    e2e: Accuracy


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that this client can do of one kind."""

    value: float
    how: Literal["measured", "extrapolated"]
    """Extrapolated from the CPU that each unit took, where the client was not the limit."""
    limit: Limit
    """Whose CPU was full."""
    reached: float
    client_cpu: float
    endpoint_cpu: float
    load: str
    """The load that it was taken from, in words."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """One of each kind."""

    tokens_per_s: Ceiling
    streams: Ceiling
    requests_per_s: Ceiling


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything in a calibration file."""

    created_at: str
    """RFC 3339, UTC."""
    wall_s: float
    form: str
    """``quick`` or ``full``."""
    tool: dict[str, Any]
    host: dict[str, Any]
    engine: dict[str, Any]
    """Event loop, transport, where the stamps are taken."""
    script: dict[str, Any]
    """What the endpoint played at the levels."""
    ceilings: Ceilings
    levels: list[CalibratedLevel] = field(default_factory=list)

    @property
    def floor_ns(self) -> dict[str, int]:
        """The smallest error bound that enough samples gave, by metric; else the widest of all."""
        floors = {}
        for name in METRICS:
            found: list[Accuracy] = [getattr(level, name) for level in self.levels]
            enough = [a for a in found if a.certified] or [a for a in found if a.n >= SOME]
            bounds = [a.p99_abs_ns for a in enough or found]
            floors[name] = min(bounds) if enough else max(bounds)
        return floors

    @property
    def crowded(self) -> bool:
        """Something else had the CPU.

        Requests that wait for nothing fill the client's or the endpoint's, and a load that both
        had CPU left for is held.
        """
        return self.ceilings.requests_per_s.limit == "neither" or any(
            level.tokens_per_s < HELD * level.asked_tokens_per_s
            and max(level.client_cpu, level.endpoint_cpu) < FULL
            for level in self.levels
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, schema name first."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        derived = {"floor_ns": self.floor_ns, "crowded": self.crowded}
        return {"schema": CALIBRATION_SCHEMA} | values | derived


@dataclass(frozen=True, slots=True)
class Budget:
    """How far off the figures of a load may be: 99 % of the samples lie within these."""

    ttft_ns: int
    gap_ns: int
    e2e_ns: int
    certified: bool
    """Both p99 have enough samples behind them to be claimed."""
    streams: int
    """The calibrated load that they come from."""
    tokens_per_s: float
    beyond: bool
    """The load is higher than all that were calibrated."""
    ceiling_share: float
    """Of the tokens a second that this client can take."""
    calibrated_at: str
    node: str = ""
    """Whose they are: of a cluster, the worst node's. Empty for the machine that asked."""
    uncalibrated: tuple[str, ...] = ()
    """Nodes of which nothing is known."""


def calibration_from_dict(data: Any, where: str) -> Calibration:
    """Rebuild a calibration from its document; unknown keys are left out.

    Raises ResultError naming ``where`` and the field when the data are no calibration.
    """
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != CALIBRATION_SCHEMA:
        raise ResultError(
            f"{where} has schema {schema!r}, this tailrace reads {CALIBRATION_SCHEMA!r}"
        )
    try:
        found = msgspec.convert(data, Calibration)
    except msgspec.ValidationError as exc:
        raise ResultError(f"{where} does not hold a calibration: {exc}") from None
    if not found.levels:
        raise ResultError(f"{where} does not hold a calibration: it has no levels")
    if not found.ceilings.tokens_per_s.value > 0:
        raise ResultError(f"{where} does not hold a calibration: its ceiling is nought")
    return found


def fits(calibration: Calibration, host: Mapping[str, Any], engine: Mapping[str, Any]) -> bool:
    """Whether it was made on this machine, with the same loop, transport and stamps."""
    return all(calibration.host.get(key) == host.get(key) for key in _HOST_KEYS) and all(
        calibration.engine.get(key) == engine.get(key) for key in _ENGINE_KEYS
    )


def ceiling_of(reached: float, client_cpu: float, endpoint_cpu: float, load: str) -> Ceiling:
    """What was reached, or where the client had CPU left, what that would have been good for."""
    limit: Limit = "neither"
    if client_cpu >= FULL:
        limit = "client"
    elif endpoint_cpu >= FULL:
        limit = "endpoint"
    measured = limit == "client" or client_cpu <= 0
    return Ceiling(
        value=round(reached if measured else reached / client_cpu, 1),
        how="measured" if measured else "extrapolated",
        limit=limit,
        reached=round(reached, 1),
        client_cpu=client_cpu,
        endpoint_cpu=endpoint_cpu,
        load=load,
    )


def budget(calibration: Calibration, tokens_per_s: float, users: int) -> Budget:
    """The error bounds at a load: those of the smallest calibrated load that is not below it."""
    levels = sorted(calibration.levels, key=lambda level: (level.tokens_per_s, level.streams))
    enough = (
        level
        for level in levels
        if level.tokens_per_s * SLACK >= tokens_per_s and level.streams >= users
    )
    found = next(enough, None)
    level = levels[-1] if found is None else found
    return Budget(
        ttft_ns=level.ttft.p99_abs_ns,
        gap_ns=level.gap.p99_abs_ns,
        e2e_ns=level.e2e.p99_abs_ns,
        certified=level.ttft.certified and level.gap.certified,
        streams=level.streams,
        tokens_per_s=level.tokens_per_s,
        beyond=found is None,
        ceiling_share=round(tokens_per_s / calibration.ceilings.tokens_per_s.value, 6),
        calibrated_at=calibration.created_at,
    )


def error_budget(
    calibration: Calibration | None, stamps: str, tokens_per_s: float | None, users: int
) -> dict[str, Any] | None:
    """A stage's budget as ``result.json`` keeps it.

    None without a calibration, without a rate, or when its reads were stamped by someone else than
    those of the calibration.
    """
    if calibration is None or tokens_per_s is None or calibration.engine.get("stamps") != stamps:
        return None
    found = budget(calibration, tokens_per_s, users)
    values: dict[str, Any] = msgspec.to_builtins(found)
    return {key: value for key, value in values.items() if key not in ("node", "uncalibrated")}


def budget_from_dict(values: dict[str, Any] | None) -> Budget | None:
    """The same as a value again."""
    return None if values is None else msgspec.convert(values, Budget)


def worst(budgets: Iterable[Budget | None]) -> Budget | None:
    """The one with the widest bounds, the busiest of equals; None of none."""
    return max(
        (each for each in budgets if each is not None),
        key=lambda b: (b.beyond, b.ttft_ns, b.gap_ns, b.ceiling_share),
        default=None,
    )


def budget_line(of: Budget) -> str:
    """``TTFT ± 0.08 ms, gap ± 0.03 ms at this load (calibrated 2026-11-25, 12 % of …)``.

    Of a cluster ``… at this load (node b, calibrated …); not calibrated: c``.
    """
    share = 100 * of.ceiling_share
    used = f"{share:.0f} %" if share >= 1 else "under 1 %"
    where = "beyond the calibrated range" if of.beyond else "at this load"
    mark = "" if of.certified else "~"
    node, whose = (f"node {of.node}, ", "its") if of.node else ("", "this client's")
    unknown = f"; not calibrated: {', '.join(of.uncalibrated)}" if of.uncalibrated else ""
    return (
        f"TTFT ± {mark}{bound_ms(of.ttft_ns)} ms, gap ± {mark}{bound_ms(of.gap_ns)} ms {where} "
        f"({node}calibrated {of.calibrated_at[:10]}, {used} of {whose} ceiling){unknown}"
    )


def bound_ms(bound_ns: int) -> str:
    """A bound in ms with two digits and no finer than 1 us, rounded up and never down."""
    step = max(10 ** (len(str(bound_ns)) - 2), 1_000)
    return f"{-(-bound_ns // step) * step / 1e6:g}"
