"""Calibrate: tailrace measured by the scripted endpoint, whose true times are known.

Rule: the client under test is the very street of ``tailrace run``: same runner, same files, same
observer's duties; the endpoint has a process of its own. CPU is counted inside the measure window
only, so neither start-up nor the writing of reports is in it.

Why: how far a figure can be trusted depends on the machine and on the load, so it is measured
where the figure was made. What the endpoint's own limits hide is extrapolated and labelled so.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tailrace.cache import calibration_path, write_calibration
from tailrace.display import Quiet
from tailrace.engine.clock import now_ns
from tailrace.errors import ResultError, TargetError, UsageError
from tailrace.results.accuracy import accuracy_of, errors_of
from tailrace.results.calibration import (
    CalibratedLevel,
    Calibration,
    Ceiling,
    Ceilings,
    ceiling_of,
)
from tailrace.results.journal import JournalReader
from tailrace.results.render.live import Snapshot
from tailrace.results.schema import Row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, LoopName, Scenario, StampsName, TransportName
from tailrace.simulate import Endpoint, Script, endpoint, script_values

MODEL = "sim"
SAMPLES_A_WINDOW = 10
MOST_COALESCED = 0.1
"""A load at which more chunks than this share a read is lumps, cheaper than a stream's tokens."""

TIMING = Script(ttft_ns=50_000_000, gap_ns=20_000_000, tokens=32, jitter=0.2)
TOKENS = Script(ttft_ns=10_000_000, gap_ns=4_000_000, tokens=64, jitter=0.2)
REQUESTS = Script(ttft_ns=0, gap_ns=0, tokens=1)

STREAM_TOKENS_PER_S = TIMING.tokens * 1e9 / (TIMING.ttft_ns + (TIMING.tokens - 1) * TIMING.gap_ns)
"""Of one stream of ``TIMING``, answer after answer."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure; seconds are of each level."""

    form: str
    streams: tuple[int, ...]
    """The timing levels, each as ``TIMING`` plays it."""
    warmup_s: float
    measure_s: float
    ceiling_s: float
    token_streams: tuple[int, ...] = (256, 384)
    """The levels of ``TOKENS``; the highest that still came chunk by chunk counts."""
    request_users: int = 64
    loop: LoopName = "auto"
    transport: TransportName = "fast"
    stamps: StampsName = "auto"


def plan_of(quick: bool, **engine: Any) -> Plan:
    """The quick form is over in 20 s, the full one in 90 s."""
    if quick:
        return Plan("quick", (1, 16, 64, 256), 0.4, 1.6, 1.0, **engine)
    more = {"token_streams": (128, 256, 384, 512)} | engine
    return Plan("full", (1, 16, 64, 256, 512, 1024), 0.8, 7.0, 3.0, **more)


class Sample(NamedTuple):
    """CPU used until a moment; nanoseconds."""

    at_ns: int
    client_ns: int
    endpoint_ns: int


class Gauge(Quiet):
    """A display that shows nothing and notes what both processes have used of their CPUs."""

    def __init__(self, pid: int, interval_s: float, say: Say) -> None:
        import psutil

        self.interval_s = interval_s
        self.samples: list[Sample] = []
        self._say = say
        self._endpoint = psutil.Process(pid)

    def say(self, text: str) -> None:
        """The line of a finished level."""
        self._say(f"  {text.removeprefix(f'{MODEL}: ')}")

    def show(self, snapshot: Snapshot | None) -> None:
        """Look at the clocks."""
        if snapshot is not None:
            used = self._endpoint.cpu_times()
            endpoint_ns = round((used.user + used.system) * 1e9)
            self.samples.append(Sample(now_ns(), time.process_time_ns(), endpoint_ns))


class Shares(NamedTuple):
    """Of one CPU each."""

    client: float
    endpoint: float


class Measured(NamedTuple):
    """A script's run, the endpoint's records by id, and the CPU shares of each level."""

    finished: Finished
    stages: list[dict[str, Any]]
    rows: list[Row]
    truth: dict[str, Any]
    shares: list[Shares]


def calibrate(plan: Plan, out: Path | None, say: Say) -> tuple[Calibration, Path]:
    """Measure this machine and write the file: ``out``, or one in the user's cache.

    Raises UsageError when it cannot be written, TargetError when the endpoint cannot be measured.
    """
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise UsageError(f"--out {str(out)!r} must be a file in a folder that exists")
    began_ns, created = now_ns(), datetime.now(UTC)
    say(f"timing at {_listed(plan.streams)} streams, gap 20 ms")
    timing = _measure(plan, TIMING, plan.streams, plan.measure_s, say)
    say(f"tokens a second at {_listed(plan.token_streams)} streams, gap 4 ms")
    tokens = _measure(plan, TOKENS, plan.token_streams, plan.ceiling_s, say)
    say(f"requests a second of {plan.request_users} users, 1 token")
    requests = _measure(plan, REQUESTS, (plan.request_users,), plan.ceiling_s, say)
    levels = [_level(timing, index) for index in range(len(plan.streams))]
    ceilings = Ceilings(_tokens(tokens), _streams(levels[-1]), _requests(requests))
    facts = timing.finished.facts
    calibration = Calibration(
        created_at=created.isoformat(timespec="seconds").replace("+00:00", "Z"),
        wall_s=round((now_ns() - began_ns) / 1e9, 1),
        form=plan.form,
        tool=facts.tool,
        host=facts.host,
        engine={key: facts.engine[key] for key in ("loop", "transport", "stamps")},
        script=script_values(TIMING),
        ceilings=ceilings,
        levels=levels,
    )
    path = out or calibration_path(created.strftime("%Y%m%dT%H%M%SZ"))
    write_calibration(calibration, path)
    return calibration, path


def _measure(
    plan: Plan, script: Script, streams: Sequence[int], seconds: float, say: Say
) -> Measured:
    """One run of the scripted endpoint, level by level, with the truth of all of it."""
    with (
        endpoint(script) as served,
        tempfile.TemporaryDirectory(prefix="tailrace-", ignore_cleanup_errors=True) as folder,
    ):
        gauge = Gauge(served.pid, seconds / SAMPLES_A_WINDOW, say)
        scenario = Scenario(
            base_url=served.url,
            models=(MODEL,),
            levels=tuple(Level(users, plan.warmup_s, seconds, None) for users in streams),
            max_tokens=script.tokens,
            loop=plan.loop,
            transport=plan.transport,
            stamps=plan.stamps,
        )
        finished = run_scenario(scenario, Path(folder), None, (), gauge)
        _require_success(finished)
        journal = JournalReader(finished.path / finished.facts.models[0].folder / "requests.jsonl")
        rows = [row for row in journal if row.phase == "measure"]
        truth = _truth(served)
    stages = finished.results[0]["stages"]
    origin_ns = finished.facts.origin_perf_ns
    shares = [shares_of(gauge.samples, stage["window"], origin_ns) for stage in stages]
    return Measured(finished, stages, rows, truth, shares)


def _require_success(finished: Finished) -> None:
    """Only that all of it was measured: a full machine is the point and no fault."""
    if finished.facts.ended == "interrupted":
        raise KeyboardInterrupt
    (model,) = finished.facts.models
    if model.status != "ok":
        raise TargetError(
            f"the scripted endpoint could not be measured: {model.error}",
            model.error_class or "failed",
        )


def _truth(served: Endpoint) -> dict[str, Any]:
    """The endpoint's records by request id; a proxy from the environment has no business here."""
    import httpx

    with httpx.Client(trust_env=False, timeout=60) as client:
        records = client.get(served.url.removesuffix("/v1") + "/truth").json()["requests"]
    return {record["id"]: record for record in records}


def shares_of(samples: Sequence[Sample], window: dict[str, Any], origin_ns: int) -> Shares:
    """CPU over wall between the first and the last sample inside the measure window."""
    from_ns, until_ns = origin_ns + window["from_ns"], origin_ns + window["until_ns"]
    inside = [sample for sample in samples if from_ns <= sample.at_ns <= until_ns]
    if len(inside) < 2:
        raise ResultError(
            "this machine was too busy to be calibrated: its CPU could not be read twice within "
            f"{(until_ns - from_ns) / 1e9:.1f} s; try again when it is idle"
        )
    first, last = inside[0], inside[-1]
    wall_ns = last.at_ns - first.at_ns
    return Shares(
        round((last.client_ns - first.client_ns) / wall_ns, 4),
        round((last.endpoint_ns - first.endpoint_ns) / wall_ns, 4),
    )


def _level(timing: Measured, index: int) -> CalibratedLevel:
    stage, shares = timing.stages[index], timing.shares[index]
    errors = errors_of([row for row in timing.rows if row.stage == index], timing.truth)
    if not errors.gap_ns:
        raise ResultError(f"no answer ended well at {stage['users']} streams; calibrate again")
    return CalibratedLevel(
        streams=stage["users"],
        asked_tokens_per_s=round(stage["users"] * STREAM_TOKENS_PER_S, 4),
        tokens_per_s=stage["rates"]["tokens_per_s"],
        client_cpu=shares.client,
        endpoint_cpu=shares.endpoint,
        lag_p99_ns=stage["stamps"]["lag"]["p99_ns"],
        ttft=accuracy_of(errors.ttft_ns),
        gap=accuracy_of(errors.gap_ns),
        e2e=accuracy_of(errors.e2e_ns),
    )


def _tokens(measured: Measured) -> Ceiling:
    """From the highest rate that came chunk by chunk, or the lowest level where none did."""
    stages = measured.stages
    smooth = [i for i, s in enumerate(stages) if _coalesced(s) <= MOST_COALESCED] or [0]
    best = max(smooth, key=lambda index: _rate(stages[index], "tokens_per_s"))
    load = f"{stages[best]['users']} streams, gap 4 ms"
    return ceiling_of(_rate(stages[best], "tokens_per_s"), *measured.shares[best], load)


def _requests(measured: Measured) -> Ceiling:
    (stage,) = measured.stages
    load = f"{stage['users']} users, 1 token"
    return ceiling_of(_rate(stage, "requests_per_s"), *measured.shares[0], load)


def _rate(stage: dict[str, Any], name: str) -> float:
    rate: float = stage["rates"][name]
    return rate


def _coalesced(stage: dict[str, Any]) -> float:
    share: float | None = stage["stamps"]["coalesced_share"]
    return share or 0.0


def _streams(level: CalibratedLevel) -> Ceiling:
    """How many streams the tokens of the highest level make, each as fast as the script says."""
    held = min(level.tokens_per_s / STREAM_TOKENS_PER_S, level.streams)
    load = f"{level.streams} streams, gap 20 ms"
    return ceiling_of(held, level.client_cpu, level.endpoint_cpu, load)


def _listed(streams: Sequence[int]) -> str:
    return ", ".join(map(str, streams))
