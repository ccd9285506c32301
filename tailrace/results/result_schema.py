"""The JSON Schema of result.json, by hand: title, unit and meaning of each key. Pure.

Rule: the document, its levels and their metrics are closed: a key that is not here fails the tests.
What has a page of its own (server, sessions, quality, statistics) is an open object that names it.
"""

from __future__ import annotations

from typing import Any

from tailrace.results.metrics import METRICS
from tailrace.results.schema import OUTCOMES, RESULT_SCHEMA

Schema = dict[str, Any]
MAYBE = "null"


def _of(kind: str | list[str], about: str, **more: Any) -> Schema:
    return {"type": kind, "description": about} | more


def _closed(about: str, required: Schema, optional: Schema | None = None) -> Schema:
    optional = optional or {}
    return _of(
        "object",
        about,
        properties=required | optional,
        required=list(required),
        additionalProperties=False,
    )


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], MAYBE]}


def _open(about: str) -> Schema:
    return _of(["object", MAYBE], about)


def _list(about: str, items: Schema | None = None) -> Schema:
    return _of("array", about, items=items or {"type": "object"})


def _integer(about: str) -> Schema:
    return _of(["integer", MAYBE], about)


def _number(about: str) -> Schema:
    return _of(["number", MAYBE], about)


def _text(about: str) -> Schema:
    return _of(["string", MAYBE], about)


def _times(about: str) -> Schema:
    return _list(about, {"type": ["integer", MAYBE]})


def _counter(about: str) -> Schema:
    return _of("object", about, additionalProperties={"type": "integer"})


PERCENTILE = _closed(
    "One percentile.",
    {
        "value_ns": _integer("The percentile, ns: highest equivalent value of its bucket."),
        "certified": _of("boolean", "Whether there are enough samples at 99 % confidence."),
        "at_least": _of("boolean", "Whether it is only a lower bound: some samples were cut off."),
    },
    {
        "between_ns": _of(["array", MAYBE], "Lowest and highest it can be, ns, by shared reads."),
        "effective_n": _number("Samples, as many as independent ones are worth."),
        "low_ns": _integer("Lower end of its 95 % interval, ns."),
        "high_ns": _integer("Upper end of its 95 % interval, ns."),
        "bound_ns": _integer("Upper bound at 99 % confidence, ns."),
    },
)
METRIC = _closed(
    "A latency of all measured requests of the level.",
    {
        "n": _integer("Samples; null where answers of this kind have none."),
        "lower_bounds": _integer("Of them, requests that were cut off while they waited."),
        "overflow": _integer("Samples above one hour."),
        "unsure": _integer("Samples uncertain by over 0.1 ms, as outputs shared a read."),
        "min_ns": _integer("The least, exactly, ns."),
        "max_ns": _integer("The most, exactly, ns."),
        "mean_ns": _number("Arithmetic mean, ns."),
        "percentiles": _of(
            "object", "p50 to p99.9.", additionalProperties={"$ref": "#/$defs/percentile"}
        ),
        "histogram": _text("HdrHistogram V1 compressed, base64; values are ns."),
    },
)
_OUTCOMES = {name: _of("integer", f"Requests that ended {name}.") for name in OUTCOMES}
_AGAIN = {"retried": _of("integer", "Requests sent again at least once.")}
_RETRIES = {"retries": _of("integer", "How often requests were sent again.")}
_STARTED = {"started": _of("integer", "Requests that were started.")}
COUNTS = _closed(
    "Requests, counted three times.",
    {
        "books": _closed(
            "Every request of the level, as its scheduler kept them.",
            {"planned": _of("integer", "Requests that were to be sent.")}
            | _STARTED
            | {
                "dropped": _of("integer", "Never started: too many were in flight."),
                "unsent": _of("integer", "Never started: the level ended first."),
            }
            | (_OUTCOMES | _AGAIN | _RETRIES),
        ),
        "journal": _closed("The same, counted in requests.jsonl.", _OUTCOMES | _AGAIN | _RETRIES),
        "measured": _closed("Those of the measure phase.", _STARTED | _OUTCOMES | _AGAIN),
        "warmup": _of("integer", "Requests of the warm-up."),
    },
)
_SPANS = _closed(
    "A latency by span; null where a span has no sample.",
    {"n": _times("Samples.")}
    | {f"{name}_ns": _times(f"The {name}, ns.") for name in ("p50", "p99", "max")},
)
OVER_TIME = _closed(
    "The level in even spans of time, for charts; see definitions.",
    {
        "from_ns": _of("integer", "Begin of the first span, ns since the run's origin."),
        "bin_ns": _of("integer", "Length of a span, ns."),
        "bins": _of("integer", "How many spans."),
        "ttft": _SPANS,
        "icl": _SPANS,
        "gap_heat": _closed(
            "How many gaps were how long, by span.",
            {
                "edges_ns": _times("Edges of the rows, ns; one more than rows."),
                "counts": _list("By span, then by row.", _times("Gaps.")),
            },
        ),
        "ended": _of(
            "object",
            "Outcome or error class -> requests that ended, by span.",
            additionalProperties=_times("Requests."),
        ),
        "in_flight": _list("Requests in flight, by span.", {"type": "number"}),
        "tokens_per_s": _list("Output tokens, 1/s, by span.", {"type": "number"}),
        "ttft_points": _list("[sent, TTFT] of single requests, ns.", _times("Two times.")),
        "sampled": _list("Some requests, whole."),
    },
)
STAGE = _closed(
    "One load level.",
    {
        "index": _of("integer", "Its place, from 0; column stage of requests.jsonl."),
        "round": _of("integer", "Repetition of the levels, from 1; 0 where there is one."),
        "users": _integer("Concurrent users; null in an open loop."),
        "load": _of("string", "As tables name it: 8, or 50/s."),
        "streamed": _of("boolean", "Whether answers were asked for as streams."),
        "arrivals": _open("An open loop's requested and realised arrivals."),
        "window": _closed(
            "The measure window, that rates are over.",
            {
                "from_ns": _integer("Begin, ns since the run's origin."),
                "until_ns": _integer("End, ns since the run's origin."),
                "seconds": _number("Length, s."),
                "rule": _of("string", "How it was set."),
                "requests": _of("integer", "Answers that ended in it."),
                "tokens": _of("number", "Output tokens that came in it."),
            },
        ),
        "counts": COUNTS,
        "errors": _counter("Error class -> measured requests."),
        "rates": _closed(
            "Per second of the window.",
            {
                "requests_per_s": _number("Answers, 1/s."),
                "tokens_per_s": _number("Output tokens, 1/s."),
                "tokens_per_s_per_user": _number("Output tokens, 1/s and user."),
            },
        ),
        "in_flight": _closed(
            "Requests in flight, weighted by time.",
            {
                "asked": _integer("Users; null in an open loop."),
                "mean": _number("Mean over the window."),
                "max": _of("integer", "Most at once."),
                "time_share": _of("object", "Number in flight -> part of the time."),
            },
        ),
        "connections": _counter("Connections opened, and requests on a reused one."),
        "tokens": _of("object", "Token counts of measured answers, and where they are from."),
        "stamps": _of("object", "Who stamped the reads, and how late they were seen."),
        "error_budget": _open("How far off the client's figures may be; null: not calibrated."),
        "retries": _of("object", "Requests that were sent again."),
        "stalls": _closed(
            "Gaps over 1 s and over 10 times the request's median gap.",
            {"gaps": _integer("Such gaps."), "requests": _integer("Requests with one.")},
        ),
        "prompts": _list("Requests by prompt, where there are a few."),
        "mix": _list("Requests by model asked, where there are several."),
        "goodput": _open("Requests that met every objective; see docs/slo.md."),
        "slo": _list("Each objective, judged; see docs/slo.md."),
        "metrics": _closed(
            "Latencies by name.", {m.name: {"$ref": "#/$defs/metric"} for m in METRICS}
        ),
        "statistics": _open("What the order in time tells; see docs/statistics.md."),
        "warnings": _list("Sentences for the reader.", {"type": "string"}),
        "sessions": _open("How sessions and turns went; see docs/sessions.md."),
        "audit": _list(
            "What the client found out about itself and the server.",
            _closed(
                "One finding.",
                {
                    "name": _of("string", "What was looked at."),
                    "value": _of("string", "What was seen."),
                    "status": {"enum": ["ok", "warn", "bad"], "description": "bad is INVALID."},
                    "why": _of("string", "What the status follows from."),
                },
            ),
        ),
    },
    {
        "urls": _list("Requests by base URL, where there are several."),
        "peers": _list("Requests by address, where rows keep it."),
        "http": _counter("Answers by version of HTTP, where not all are 1.1."),
        "busy": _open("Answers that asked to wait."),
        "server": _open("The level as its server saw it; see docs/server-side.md."),
        "cost": _open("What the level cost; see docs/selection.md."),
        "over_time": OVER_TIME,
        "curves": _closed(
            "Whole curves of percentiles, ns.",
            {"percents": _list("Their percentiles, 0 to 100.", {"type": "number"})}
            | {name: _or_null(_times(f"Of {name}.")) for name in ("ttft", "icl", "e2e")},
        ),
    },
)
RESULT: Schema = {
    "title": "result.json",
    **_closed(
        "Everything that was measured of one model.",
        {
            "schema": {"const": RESULT_SCHEMA, "description": "Name and number of this schema."},
            "model": _of("string", "Its id, or its alias in a models file."),
            "tags": _of("object", "What the models file says of it."),
            "status": {
                "enum": ["running", "ok", "failed", "skipped", "interrupted"],
                "description": "How its turn ended.",
            },
            "step": _text("Where it failed; null where it did not."),
            "error_class": _text("Short name of the failure."),
            "error": _text("The failure in a sentence."),
            "steps_s": _of("object", "Seconds that each step but the run took."),
            "footprint": _open("Memory of its own server, bytes."),
            "cold": _or_null(
                _closed(
                    "The first request, in no percentile.",
                    {
                        "outcome": {"enum": list(OUTCOMES), "description": "How it ended."},
                        "error_class": _text("Why it did not end ok."),
                        "ttft_ns": _integer("Sent to first output, ns."),
                        "e2e_ns": _integer("Sent to last output, ns."),
                        "output_tokens": _integer("Tokens of its answer."),
                    },
                )
            ),
            "stages": _list("Its load levels, in order.", {"$ref": "#/$defs/stage"}),
            "rounds": _list("What repeated levels say together."),
            "knee": _open("The load with the highest throughput / latency."),
            "outputs": _open("Of a deterministic run: how many answers differ."),
            "set_aside_rows": _of("integer", "Requests of levels that were held anew."),
            "dropped_lines": _of("integer", "Half-written lines dropped on resuming."),
            "torn_lines": _of("integer", "Lines of the journal that are cut off."),
            "definitions": _of(
                "object", "Every name, defined.", additionalProperties={"type": "string"}
            ),
        },
        {
            "server": _open("How its server was watched; see docs/server-side.md."),
            "quality": _open("What people and judges say of its answers; see docs/quality.md."),
        },
    ),
    "$defs": {"stage": STAGE, "metric": METRIC, "percentile": PERCENTILE},
}
