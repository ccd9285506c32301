"""A run that has something for every part of a report, small enough to be read line by line.

Of three models one was held at 1 and 4 users and watched at its server, one came by a rate in two
rounds, and one never answered. Every value is a plain function of the request's number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tailrace.results.facts import Books, ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.schema import OUTCOMES, Row
from tailrace.results.server_log import Head, Look, to_line
from tailrace.results.session_facts import SessionBooks

from .builders import MS, S, calibration, facts, row
from .server_looks import look

USERS = (1, 4)
GAP_MS = 20
URLS = ["http://one/v1", "http://two/v1"]


def closed_rows() -> list[Row]:
    """Of the first model: 12 and 24 requests, some of which came to nothing."""
    made = [row(0, 700, (30, 30), phase="cold", stage=-1, id="cold")]
    for stage, users in enumerate(USERS):
        begin = 6000 * stage
        made.append(row(begin, 300, stage=stage, phase="warmup", id=f"{stage}-w"))
        made += [_asked(n, begin + 1000 + 150 * n, stage, users) for n in range(12 * (stage + 1))]
    return made


def _asked(number: int, sent_ms: int, stage: int, users: int) -> Row:
    more: dict[str, Any] = {
        "id": f"{stage}-{number}",
        "stage": stage,
        "user": number % users,
        "prompt": "ab"[number % 2],
        "url": number % 2,
        "peer": f"10.0.0.{number % 2}",
        "http": "2" if number % 3 else "1.1",
        "input_tokens": 40 + number,
        "cached_tokens": 8 * (number % 3),
        "output_tokens": 4 + number % 2,
        "token_source": "usage" if number % 4 else "counted",
        "finish_reason": "length" if number % 5 else "stop",
        "reused": number >= users,
    }
    if stage:
        more |= {"session": number // 3, "turn": number % 3 + 1, "session_end": number % 3 == 2}
    gaps = (GAP_MS, GAP_MS + number, 12 * users)
    failed = _failures(number) if stage else {}
    if failed.get("outcome") == "timeout":
        return row(sent_ms, 60 + 7 * number, (GAP_MS,), **(more | failed), closed_ns=None)
    if failed.get("outcome") == "error":
        return row(sent_ms, None, **(more | failed), ended_ns=(sent_ms + 30) * MS)
    held = {"held_ns": 500 * MS} if stage and number == 9 else {}
    return row(sent_ms, 60 + 7 * number * users % 90, gaps, **(more | held))


def _failures(number: int) -> dict[str, Any]:
    if number in (8, 14):
        wait = {"status": 429, "retry_after_s": 0.5 * number, "output_tokens": None}
        return wait | {"outcome": "error", "error_class": "http_429", "session_end": True}
    if number == 20:
        late = {"outcome": "timeout", "error_class": "timeout|total", "session_end": True}
        return late | {"finish_reason": None, "output_tokens": None, "ended_ns": 11_500 * MS}
    return {}


def open_rows() -> list[Row]:
    """Of the second model: two rounds by rate; it is slower, and some had to wait to be sent."""
    made = []
    for stage in range(2):
        for number in range(20):
            sent_ms = 20_000 + 5000 * stage + 200 * number
            answer = row(
                sent_ms,
                150 + 3 * number + 10 * stage,
                (40, 41, 42),
                stage=stage,
                id=f"o{stage}-{number}",
                intended_ns=(sent_ms - 10 * (number % 3)) * MS,
                queued=number % 3 > 0,
                model="lora-x" if number % 2 else "base",
                input_tokens=30,
                attempt=2 if (stage, number) == (0, 1) else 1,
            )
            made.append(answer)
        made.append(
            row(24_100 + 5000 * stage, None, stage=stage, id=f"o{stage}-c", outcome="censored",
                ended_ns=(24_400 + 5000 * stage) * MS)
        )  # fmt: skip
    made.append(
        row(20_050, None, stage=0, id="again", outcome="error", error_class="reset",
            error="peer reset", retried=True, ended_ns=20_060 * MS)
    )  # fmt: skip
    return made


def _stage(rows: list[Row], index: int, from_s: float, until_s: float, **more: Any) -> StageFacts:
    mine = [one for one in rows if one.stage == index and not one.retried]
    counts = {name: sum(one.outcome == name for one in mine) for name in OUTCOMES}
    again = sum(one.retried for one in rows if one.stage == index)
    dropped = more.pop("dropped", 0)
    books = Books(len(mine) + dropped, len(mine), dropped, **counts, retried=again, retries=again)
    made: dict[str, Any] = {
        "index": index,
        "warmup_s": 1.0,
        "duration_s": until_s - from_s,
        "requests": None,
        "began_ns": round((from_s - 1) * S),
        "measure_from_ns": round(from_s * S),
        "measure_until_ns": round(until_s * S),
        "ended_ns": round((until_s + 0.2) * S),
        "books": books,
    }
    return StageFacts(**(made | more))


def closed_model(rows: list[Row]) -> ModelFacts:
    stages = [
        _stage(
            rows, index, 6 * index + 1, 6 * index + 5, users=users, load=str(users),
            in_flight_ns={users: 3 * S, users - 1: S}, max_in_flight=users,
            connections_opened=users,
        )
        for index, users in enumerate(USERS)
    ]  # fmt: skip
    stages[1].sessions = SessionBooks(8, 5, 3, tool_results=2, tool_results_skipped=1)
    return ModelFacts(
        "org/alpha", "alpha", "ok", stages=stages, dialect="openai-chat", dialect_from="asked",
        tags={"size_mb": 400, "license": "MIT", "watts": 36.0, "price_kwh": 0.3},
        steps_s={"load": 2.5}, footprint={"peak_rss_bytes": 512_000_000, "source": "cgroup"},
    )  # fmt: skip


def open_model(rows: list[Row]) -> ModelFacts:
    stages = [
        _stage(
            rows, index, 20 + 5 * index, 24.5 + 5 * index, users=None, load="5/s",
            round=index + 1, in_flight_ns={0: S, 1: 3 * S, 2: S // 2}, max_in_flight=2,
            connections_opened=3, dropped=index,
        )
        for index in range(2)
    ]  # fmt: skip
    return ModelFacts("beta_*1*", "beta", "ok", stages=stages)


def whole_facts(closed: list[Row], opened: list[Row]) -> RunFacts:
    ghost = ModelFacts("ghost", "ghost", "failed", "model_not_found", "404: no <model> here")
    return facts(
        closed_model(closed),
        open_model(opened),
        ghost,
        name="whole @ one",
        host={"cpu": "c", "cpus": 2, "system": "Linux 6", "machine": "m"},
        engine={"loop": "asyncio", "transport": "fast", "stamps": "kernel receive"},
        calibration=calibration().to_dict(),
        scenario={
            "base_url": URLS[0],
            "reach": {"more_urls": URLS[1:]},
            "models": ["org/alpha", "beta_*1*", "ghost"],
            "max_tokens": 8,
            "nonce": True,
            "seed": 7,
            "slo": ["ttft:p90<140ms", "error_rate<2%"],
            "api_key": "sk-secret",
        },
        options={"users": "1,4", "max_tokens": 8, "nonce": True, "out": "runs"},
    )


def looks() -> list[Look]:
    """Of the first model's server, twice a second, one of them missed."""
    gpu = {"memory_bytes": 4e9, "utilisation": 0.5, "power_w": 150.0, "temperature_c": 61.0}
    seen = [
        look(
            n / 2, running=n % 4, waiting=n % 3, cache=0.02 * n, generated=9 * n, prompt=80 * n,
            gpus=[gpu | {"utilisation": 0.03 * n}, dict.fromkeys(gpu)],
            process={"rss_bytes": 5e8 + 1e6 * n, "cpu_s": 0.4 * n, "threads": 2, "processes": 3},
        )
        for n in range(24)
    ]  # fmt: skip
    seen[5] = Look(seen[5].at_ns, miss="timed out")
    return seen


def whole_run(path: Path) -> RunFolder:
    """The folder, as the engine leaves it."""
    closed, opened = closed_rows(), open_rows()
    path.mkdir()
    folder = RunFolder(path)
    for name, rows in (("alpha", closed), ("beta", opened), ("ghost", [])):
        journal = folder.open_journal(name)
        for one in rows:
            journal.append(one.to_json())
        journal.close()
    gpus = [{"name": "Big|One", "memory_bytes": 8e9}, {"name": "Old", "memory_bytes": None}]
    head = Head(0, "http://one/metrics", 0.5, pid=7, pid_by="the port", gpus=gpus, notes=["a note"])
    lines = map(to_line, (head, *looks()))
    (path / "alpha" / "server.jsonl").write_bytes(b"".join(lines))
    folder.write_facts(whole_facts(closed, opened))
    return folder
