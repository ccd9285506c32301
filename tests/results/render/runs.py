"""A run as the engine would leave it: rows made by rule, added up by the real tallies.

Two models at 1, 2, 4 and 8 users, one of them with timeouts and errors at 8 users, and a third
model that the server does not know. Everything is a function of the row's number.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from tailrace.results.facts import Books, ModelFacts, RunFacts, StageFacts
from tailrace.results.result import model_result
from tailrace.results.schema import Row
from tailrace.results.tally import Tally
from tailrace.results.verdict import Verdict, judge

MS = 1_000_000
HOSTILE_MODEL = "=cmd|evil|`x`<script>alert(1)</script>![i](javascript:a)\n@you_\x1b]0;t\x07_\u202e"
HOSTILE_ERROR = "line one\r\nline two\x1b[31m [bold red]red[/] <img src=x onerror=alert(2)> | `~`"
LEVELS = ((1, 70), (2, 140), (4, 300), (8, 700))
TIMEOUT_NS = 10_000 * MS
PLOTLY = "aGFzaA=="


@dataclass(frozen=True)
class Run:
    """What every renderer takes."""

    facts: RunFacts
    results: list[dict[str, Any]]
    verdict: Verdict


def answer(number: int, stage: int, users: int, pace: int) -> Row:
    """One ok request: 24 tokens; every value a simple function of its number."""
    sent = number * 37 * MS
    first = sent + (80 * pace + 13 * users + number * 7919 % 97 * users // 4) * MS
    gaps = [(9 * pace + users) * MS + (number * 31 + k * 17) % 23 * 90_000 for k in range(23)]
    if number % 250 == 249:
        gaps[11] = 1_400 * MS
    return Row(
        id=f"{stage}-{number}",
        stage=stage,
        user=number % users,
        phase="measure",
        intended_ns=sent - 400_000,
        connect_begin_ns=sent - 900_000 if number < users else None,
        connect_end_ns=sent - 500_000 if number < users else None,
        sent_ns=sent,
        headers_ns=first - 3 * MS,
        first_event_ns=first - 2 * MS,
        first_output_ns=first,
        first_answer_ns=first,
        last_output_ns=first + sum(gaps),
        closed_ns=first + sum(gaps) + MS,
        ended_ns=first + sum(gaps) + MS,
        gaps_ns=gaps,
        chunks=24,
        output_tokens=24,
        input_tokens=210,
        cached_tokens=16,
        token_source="usage",
        status=200,
        finish_reason="length" if number % 5 else "stop",
        reused=number >= users,
        reads=25,
    )


def timed_out(row: Row) -> Row:
    """The same request, never answered."""
    return replace(
        row,
        first_event_ns=None,
        first_output_ns=None,
        first_answer_ns=None,
        last_output_ns=None,
        closed_ns=None,
        ended_ns=(row.sent_ns or 0) + TIMEOUT_NS,
        gaps_ns=(),
        chunks=0,
        output_tokens=None,
        outcome="timeout",
        error_class="timeout_first_event",
    )


def stage_of(
    index: int, users: int, requests: int, pace: int, bad: int
) -> tuple[StageFacts, Tally]:
    window_ns = requests * 37 * MS
    tally = Tally(0, window_ns)
    for number in range(requests):
        row = answer(number, index, users, pace)
        if number < bad:
            row = timed_out(row)
        elif number < 2 * bad:
            row = replace(row, outcome="error", error_class="http_503", status=503)
        tally.add(row)
    counted = tally.outcomes_all
    books = Books(
        planned=requests,
        started=requests,
        ok=counted["ok"],
        error=counted["error"],
        timeout=counted["timeout"],
    )
    facts = StageFacts(
        index=index,
        users=users,
        warmup_s=2.0,
        duration_s=None,
        requests=requests,
        began_ns=0,
        measure_from_ns=0,
        measure_until_ns=window_ns,
        ended_ns=window_ns + 5 * MS,
        books=books,
        in_flight_ns={users: window_ns * 98 // 100, users - 1: window_ns * 2 // 100},
        max_in_flight=users,
        connections_opened=users,
    )
    return facts, tally


def measured_model(
    name: str, folder: str, pace: int, bad: int
) -> tuple[ModelFacts, dict[str, Any]]:
    stages = [
        stage_of(index, users, requests, pace, bad if users == 8 else 0)
        for index, (users, requests) in enumerate(LEVELS)
    ]
    facts = ModelFacts(name, folder, "ok", stages=[stage for stage, _ in stages])
    cold = replace(answer(3, 0, 1, 5 * pace), phase="cold", stage=-1)
    return facts, model_result(facts, cold, [tally for _, tally in stages], 0)


def make_run() -> Run:
    models = [
        measured_model("qwen2.5:0.5b-instruct-q4_K_M", "qwen2.5_0.5b", 1, 0),
        measured_model("meta-llama/Llama-3.1-8B-Instruct", "llama", 3, 9),
    ]
    missing = ModelFacts(
        "mistral:7b",
        "mistral_7b",
        "failed",
        "model_not_found",
        'the server answered 404: {"error":"model mistral:7b not found, try pulling it first"}',
    )
    models.append((missing, model_result(missing, None, [], 0)))
    facts = RunFacts(
        name="three-models",
        started_at="2026-11-20T14:03:22Z",
        origin_wall_ns=1_795_183_402_000_000_000,
        origin_perf_ns=0,
        tool={"name": "tailrace", "version": "0.1.0"},
        host={
            "system": "Linux 6.8.0",
            "cpu": {"model": "AMD EPYC 7B13", "logical": 8, "governor": "performance"},
            "python": "3.11.9",
            "limits": {"nofile": 1048576, "ports": "32768-60999"},
        },
        engine={"loop": "uvloop 0.21.0", "transport": "fast", "stamps": "kernel"},
        scenario={
            "url": "http://127.0.0.1:11434/v1/chat/completions",
            "models": [facts.model for facts, _ in models],
            "users": [users for users, _ in LEVELS],
            "warmup_s": 2.0,
            "max_tokens": 24,
            "nonce": True,
            "seed": 7,
            "timeouts": {"first_event_s": 10.0, "total_s": 60.0},
        },
        models=[facts for facts, _ in models],
        ended="complete",
    )
    results = [result for _, result in models]
    return Run(facts, results, judge(facts, results))


def with_texts(run: Run, model: str, error: str) -> Run:
    """The same run with these texts wherever a stranger could have written one."""
    facts = copy.deepcopy(run.facts)
    results = copy.deepcopy(run.results)
    for known, result in zip(facts.models, results, strict=True):
        known.model = result["model"] = model
        if known.error is not None:
            known.error, known.error_class = error, error
        for stage in result["stages"]:
            stage["errors"] = {error: 3}
            stage["tokens"]["finish_reasons"] = {model: 2, error: 1}
            stage["warnings"] = [error]
    facts.name = model
    facts.scenario["models"] = [model]
    facts.scenario["prompt"] = {error: error}
    verdict = judge(facts, results)
    return Run(facts, results, Verdict((*verdict.reasons, f"{model}: {error}"), verdict.notes))


def failed_run(model: str, error: str) -> Run:
    """The least there can be: one model that failed before any level."""
    known = ModelFacts(model, "folder", "failed", error, error)
    facts = RunFacts(model, "2026-11-20T14:03:22Z", 0, 0, {}, {}, {}, {}, [known], "complete")
    results = [model_result(known, None, [], 0)]
    return Run(facts, results, judge(facts, results))


def killed_run() -> Run:
    """A run that died in the warm-up of its second model, after skipping the first."""
    skipped = ModelFacts("never-asked", "a", "skipped")
    stage = StageFacts(0, 4, 2.0, 30.0, None, 0, Books())
    running = ModelFacts("half-done", "b", "running", stages=[stage])
    facts = RunFacts("killed", "2026-11-20T14:03:22Z", 0, 0, {}, {}, {}, {}, [skipped, running])
    results = [
        model_result(skipped, None, [], 0),
        model_result(running, replace(answer(0, 0, 1, 1), outcome="error"), [Tally()], 1),
    ]
    return Run(facts, results, judge(facts, results))
