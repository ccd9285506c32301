"""result.json, whole: a level that streams, one that does not, and one of which nothing came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from tailrace.results.facts import ModelFacts
from tailrace.results.outputs import Outputs
from tailrace.results.result import model_result
from tailrace.results.schema import Row
from tailrace.results.session_facts import SessionBooks
from tailrace.results.slo import parse_slos
from tailrace.results.spread import Spread
from tailrace.results.stamp_facts import StampFacts
from tailrace.results.tally import tally_of

from .builders import MS, S, row, stage
from .golden_files import assert_golden

SLOS = parse_slos("ttft:p99<200ms,e2e:mean<1s,goodput>=90%,requests_per_s>1,error_rate<5%")
SIZE = 60
_INNERMOST = re.compile(r"[\[{][^\[\]{}]*[\]}]")
"""Objects and lists that hold no others; on a line each."""


def streamed(number: int) -> Row:
    """Four users' worth of answers; some fail, share reads, come from the cache, or are cut."""
    gaps = [10 + number % 3, 20, 0 if number % 7 == 0 else 5, 1500 if number == 9 else 30]
    made = row(
        *(100 * number, 80 + 5 * (number % 4), gaps),
        id=f"r{number}",
        user=number % 4,
        prompt=f"p{number % 3}",
        output_tokens=5 + number % 2,
        input_tokens=100,
        cached_tokens=10,
        token_source="usage",
        reused=number > 3,
        finish_reason="stop",
        reads=6,
        body_bytes=900,
    )
    if number % 20 == 5:
        made.outcome, made.error_class = "timeout", "total_timeout"
    if number % 20 == 15:
        made.outcome, made.error_class, made.first_output_ns = "error", "http_500", None
        made.gaps_ns, made.chunks = [], 0
    if number == SIZE - 1:
        made.outcome = "censored"
    return made


def whole(number: int) -> Row:
    """An answer that was not streamed, with no usage."""
    made = row(200 * number, 150, (), id=f"w{number}", stage=1, streamed=False, reused=True)
    made.first_output_ns = made.first_answer_ns = made.first_event_ns = None
    made.chunks, made.output_tokens, made.token_source = 0, None, None
    return made


def document() -> dict[str, Any]:
    levels = [[streamed(n) for n in range(SIZE)], [whole(n) for n in range(20)], []]
    lag = Spread(300, MS // 10, MS // 5, MS // 4, MS // 2, None)
    stages = [
        stage(
            *(levels[0], 0, 4),
            stamps=StampFacts(300, 4, 1, lag),
            sessions=SessionBooks(begun=3, finished=3),
            connections_opened=4,
            in_flight_ns={3: 2 * S, 4: 5 * S},
        ),
        stage(levels[1], 1, 2),
        stage(levels[2], 2, 8),
    ]
    facts = ModelFacts(
        *("m", "m", "ok"),
        stages=stages,
        tags={"size_mb": 7},
        steps_s={"load": 1.5},
        footprint={"peak_rss_bytes": 9},
        set_aside_rows=1,
        dropped_lines=2,
    )
    tallies = []
    for made, rows in zip(stages, levels, strict=True):
        tallies.append(tally_of(made, SLOS))
        for one in rows:
            tallies[-1].add(one)
    found = model_result(facts, streamed(0), tallies, 3, outputs=Outputs())
    del found["definitions"]  # the same text in every document
    for level in found["stages"]:
        if "over_time" in level:  # has tests of its own
            level["over_time"] = sorted(level["over_time"])
        for metric in level["metrics"].values():
            metric["histogram"] = metric["histogram"] is not None  # packed, as zlib likes it
    return found


def test_the_document() -> None:
    text = orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    short = _INNERMOST.sub(lambda found: " ".join(found[0].split()), text)
    assert_golden(Path(__file__).with_name("golden") / "result.json", short + "\n")
