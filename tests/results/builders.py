"""Rows, facts and run folders with sensible defaults, so that a test names only what it is about.

Times are milliseconds since the run's origin where an argument ends in ``_ms``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

from tailrace.results.accuracy import Accuracy
from tailrace.results.audit import Finding
from tailrace.results.calibration import CalibratedLevel, Calibration, Ceilings, ceiling_of
from tailrace.results.checks import Check
from tailrace.results.coalesced import SharedReads, shared_reads
from tailrace.results.facts import Books, ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.result import stage_result
from tailrace.results.schema import OUTCOMES, Row
from tailrace.results.tally import Tally, tally_of

MS = 1_000_000
S = 1_000 * MS


def row(
    sent_ms: int | None = 0,
    first_ms: int | None = 100,
    gaps_ms: Sequence[int] = (10, 10, 10),
    **more: Any,
) -> Row:
    """An ok request: sent 1 ms after it was meant, first output at ``first_ms`` after sent."""
    sent = 0 if sent_ms is None else sent_ms * MS
    first = None if first_ms is None else sent + first_ms * MS
    last = None if first is None else first + sum(gaps_ms) * MS
    closed = None if last is None else last + MS
    chunks = 0 if first is None else len(gaps_ms) + 1
    made: dict[str, Any] = {
        "id": f"r{sent_ms}",
        "stage": 0,
        "user": 0,
        "phase": "measure",
        "intended_ns": sent - MS,
        "sent_ns": None if sent_ms is None else sent,
        "headers_ns": None if first is None else max(sent, first - 2 * MS),
        "first_event_ns": None if first is None else max(sent, first - MS),
        "first_output_ns": first,
        "first_answer_ns": first,
        "last_output_ns": last,
        "closed_ns": closed,
        "ended_ns": sent if closed is None else closed,
        "gaps_ns": [gap * MS for gap in gaps_ms] if first is not None else [],
        "chunks": chunks,
        "output_tokens": chunks or None,
        "token_source": "counted" if chunks else "unknown",
        "status": 200,
        "finish_reason": "stop",
        "reused": True,
    }
    return Row(**(made | more))


def shared_in(gaps_ns: Sequence[int], lead_ns: int) -> SharedReads:
    """The shared reads of one answer."""
    numbers = (gaps_ns, [len(gaps_ns)], [lead_ns])
    return shared_reads(*(np.array(each, dtype=np.int64) for each in numbers))


def waited(
    outcome: str,
    ended_ms: int,
    first_ms: int | None = None,
    gaps_ms: Sequence[int] = (),
    **more: Any,
) -> Row:
    """A request that was given up ``ended_ms`` after it was sent at 0."""
    made: dict[str, Any] = {
        "outcome": outcome,
        "closed_ns": None,
        "ended_ns": ended_ms * MS,
        "finish_reason": None,
    }
    return row(0, first_ms, gaps_ms, **(made | more))


def tally(*rows: Row, from_ns: int | None = 0, until_ns: int | None = None) -> Tally:
    """The rows added up, every histogram flushed."""
    made = Tally(from_ns, until_ns)
    for one in rows:
        made.add(one)
    return made


def stage(rows: Sequence[Row], index: int = 0, users: int = 1, **more: Any) -> StageFacts:
    """The facts of a stage whose books agree with its rows."""
    mine = [one for one in rows if one.stage == index]
    counts = {name: sum(one.outcome == name for one in mine) for name in OUTCOMES}
    until_ns = max([S, *(one.ended_ns for one in mine)])
    made: dict[str, Any] = {
        "index": index,
        "users": users,
        "warmup_s": 0.0,
        "duration_s": None,
        "requests": len(mine),
        "began_ns": 0,
        "measure_from_ns": 0,
        "measure_until_ns": until_ns,
        "ended_ns": until_ns,
        "books": Books(planned=len(mine), started=len(mine), **counts),
        "in_flight_ns": {users: until_ns},
        "max_in_flight": users,
    }
    return StageFacts(**(made | more))


def document(rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """What ``result.json`` says of a stage of these rows."""
    made = stage(rows, **more)
    tally = tally_of(made)
    for one in rows:
        tally.add(one)
    return stage_result(made, tally)


def facts(*models: ModelFacts, **more: Any) -> RunFacts:
    """A run that ended well."""
    made: dict[str, Any] = {
        "name": "n",
        "started_at": "2026-11-20T14:03:22.000Z",
        "origin_wall_ns": 1_795_183_402_000_000_000,
        "origin_perf_ns": 5,
        "tool": {"name": "tailrace", "version": "0"},
        "host": {"cpu": "c"},
        "engine": {"loop": "asyncio"},
        "scenario": {"base_url": "http://h/v1", "models": [model.model for model in models]},
        "models": list(models),
        "ended": "complete",
    }
    return RunFacts(**(made | more))


def run_folder(
    path: Path, rows: Sequence[Row], model: str = "m", stages: int = 1, **more: Any
) -> RunFolder:
    """A folder with facts and journal, as the engine leaves it; nothing derived yet."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    journal = folder.open_journal(model)
    for one in rows:
        journal.append(one.to_json())
    journal.close()
    made = [stage(rows, index) for index in range(stages)]
    folder.write_facts(facts(ModelFacts(model, model, "ok", stages=made), **more))
    return folder


def counts_of(payload: str) -> dict[int, int]:
    """Lowest value of a bucket -> count, as HdrHistogram's own decoder reads them."""
    decoded = HdrHistogram.decode(payload)
    counts = np.ctypeslib.as_array(decoded.counts)
    return {
        decoded.get_value_from_index(int(index)): int(counts[index])
        for index in np.nonzero(counts)[0]
    }


def accuracy(p99_ns: int, n: int = 1_000) -> Accuracy:
    """Errors around nought."""
    return Accuracy(n, 0, p99_ns, 2 * p99_ns)


def calibrated_level(streams: int, p99_ns: int, n: int = 1_000, **more: Any) -> CalibratedLevel:
    """A level at 50 tokens a second and stream; gaps are ten times as exact as TTFT."""
    made: dict[str, Any] = {
        "streams": streams,
        "asked_tokens_per_s": streams * 50.0,
        "tokens_per_s": streams * 50.0,
        "client_cpu": 0.1,
        "endpoint_cpu": 0.2,
        "lag_p99_ns": 100_000,
        "ttft": accuracy(p99_ns, n),
        "gap": accuracy(p99_ns // 10, n),
        "e2e": accuracy(2 * p99_ns, n),
    }
    return CalibratedLevel(**(made | more))


def calibration(*levels: CalibratedLevel, **more: Any) -> Calibration:
    """Of the machine and engine that ``facts`` name, with a ceiling of 100,000 tokens a second."""
    made: dict[str, Any] = {
        "created_at": "2026-11-25T04:40:12Z",
        "wall_s": 17.3,
        "form": "quick",
        "tool": {"name": "tailrace", "version": "0"},
        "host": {"cpu": "c", "cpus": 2, "system": "Linux 6", "machine": "m"},
        "engine": {"loop": "asyncio", "transport": "fast", "stamps": "kernel receive"},
        "script": {"ttft_ns": 50 * MS},
        "ceilings": Ceilings(
            ceiling_of(50_000, 0.5, 0.95, "256 streams"),
            ceiling_of(1_000, 0.95, 0.5, "1024 streams"),
            ceiling_of(5_000, 0.5, 0.9, "64 users"),
        ),
        "levels": list(levels) or [calibrated_level(1, 50_000), calibrated_level(16, 80_000)],
    }
    return Calibration(**(made | more))


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """What an audit found, one a line."""
    return [f"  {f.status:4} {f.name} = {f.value}: {f.why}\n" for f in findings]


def check_lines(rows: Iterable[Check]) -> list[str]:
    """Rows of ``tailrace check``, one a line with its group and what mends it."""
    return [
        f"  {row.group}: {row.status:4} {row.name} = {row.found}"
        + (f" -> {row.fix}\n" if row.fix else "\n")
        for row in rows
    ]
