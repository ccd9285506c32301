"""The street step by step: what each costs in ns on a recorded chunk and on a request of 64.

Rule: each step alone, called as the engine calls it, in loops of about 20 ms; the median of the
repeats counts, as the least would flatter and the mean would measure the neighbours.
Why: it says where a change has struck, which the CPU of a whole run cannot.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness import table

from tailrace.engine.dialects.delta import Delta
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.sse import EventReader
from tailrace.engine.timeline import Timeline
from tailrace.results.hist import Hist
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally

CHUNK = (
    b'data: {"id":"chatcmpl-1f0c2e9a","object":"chat.completion.chunk","created":1790000000,'
    b'"model":"sim","system_fingerprint":"fp_recorded","choices":[{"index":0,"delta":'
    b'{"content":" race"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n'
)
TOKENS = 64
LOOP_NS = 20_000_000


class Step(NamedTuple):
    """``work`` is called again and again; one call does ``units`` of what is counted."""

    name: str
    unit: str
    units: int
    work: Callable[[], object]


def recorded_row() -> Row:
    """A request of 64 tokens as the engine leaves it."""
    row = Row("sim-0-1", 0, 0, "measure", 1_000_000)
    row.sent_ns = 1_010_000
    row.headers_ns = row.first_event_ns = row.first_output_ns = row.first_answer_ns = 201_000_000
    row.gaps_ns = [20_000_000 + 997 * (n % 13) for n in range(TOKENS - 1)]
    row.last_output_ns = row.first_output_ns + sum(row.gaps_ns)
    row.closed_ns = row.ended_ns = row.last_output_ns + 20_000
    row.chunks = row.output_tokens = row.reads = TOKENS
    row.token_source, row.finish_reason, row.status, row.reused = "usage", "length", 200, True
    row.body_bytes = TOKENS * len(CHUNK)
    return row


def steps() -> list[Step]:
    """In the order of the street."""
    reader, dialect, hist, tally, row = EventReader(), OpenAIChat(), Hist(), Tally(), recorded_row()
    ((kind, data),) = reader.feed(CHUNK)
    delta = dialect.read(kind, data)
    line = row.to_json()
    pair = CHUNK * 2

    def answer() -> None:
        timeline = Timeline()
        for _ in range(TOKENS):
            timeline.note(1, delta)

    def whole() -> None:
        timeline = Timeline()
        for _ in range(TOKENS):
            for event_type, event in reader.feed(CHUNK):
                timeline.note(1, dialect.read(event_type, event))

    tally.make_room()
    return [
        Step("sse.feed, one event a read", "chunk", 1, lambda: reader.feed(CHUNK)),
        Step("sse.feed, two events a read", "chunk", 2, lambda: reader.feed(pair)),
        Step("dialect.read", "chunk", 1, lambda: dialect.read(kind, data)),
        Step("Delta(...)", "chunk", 1, lambda: Delta("race", "", False, None, None)),
        Step("timeline.note", "chunk", TOKENS, answer),
        Step("feed, read and note", "chunk", TOKENS, whole),
        Step("Hist.add_many and flush", "value", TOKENS - 1, lambda: hist.add_many(row.gaps_ns)),
        Step("Row.to_json", "request", 1, row.to_json),
        Step("Tally.add", "request", 1, lambda: tally.add(row)),
        Step("parse_row", "request", 1, lambda: parse_row(line, "")),
    ]


def cost_ns(step: Step, repeats: int) -> list[float]:
    """ns a unit, once a repeat."""
    work, calls = step.work, 1
    while (took := _loop(work, calls)) < LOOP_NS / 4:
        calls *= 4
    calls = max(1, round(calls * LOOP_NS / took))
    return [_loop(work, calls) / calls / step.units for _ in range(repeats)]


def _loop(work: Callable[[], object], calls: int) -> int:
    began_ns = time.perf_counter_ns()
    for _ in range(calls):
        work()
    return time.perf_counter_ns() - began_ns


def measure(repeats: int) -> str:
    """All steps as a Markdown table."""
    rows = []
    for step in steps():
        costs = cost_ns(step, repeats)
        median = statistics.median(costs)
        rows.append(
            [step.name, f"{median:,.0f}", f"{min(costs):,.0f} to {max(costs):,.0f}", step.unit]
        )
    return table(("step", "median ns", "min to max", "per"), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeats", type=int, default=15)
    given = options.parse_args(arguments)
    print(measure(given.repeats), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
