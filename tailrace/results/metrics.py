"""The metrics: one table of names and definitions that every file, table and document quotes.

Names follow the IETF drafts draft-gaikwad-llm-benchmarking-terminology and -methodology where
they have one. *Service* metrics run from ``sent``, *response* metrics from ``intended``.
"""

from __future__ import annotations

from typing import NamedTuple

from tailrace.results import formulas
from tailrace.results.statistics_terms import STATISTICS


class Metric(NamedTuple):
    """One latency metric; its samples are durations in nanoseconds."""

    name: str
    title: str
    definition: str
    of_streams: bool = False
    """Only streamed answers have it; of those that come whole it is n/a."""


METRICS: tuple[Metric, ...] = (
    Metric(
        "start_lag",
        "start lag",
        "intended start to sent: the client's own lateness, of requests that waited neither for "
        "admission nor for a connection",
    ),
    Metric("connect", "connect", "TCP connect of a request that opened its connection"),
    Metric("tls", "TLS", "TLS handshake after the TCP connect"),
    Metric("headers", "headers", "sent to the read that completed the response headers"),
    Metric("first_event", "first event", "sent to the first server-sent event of any kind", True),
    Metric(
        "ttft",
        "TTFT",
        "time to first token, service: sent to the first non-empty output of any channel "
        "(content, reasoning, tool call); role-only and empty deltas, comments and usage "
        "chunks never count",
        True,
    ),
    Metric("ttft_response", "TTFT (response)", "TTFT measured from the intended start", True),
    Metric(
        "ttfo", "TTFO", "time to first answer: sent to the first non-empty answer content", True
    ),
    Metric(
        "icl",
        "ICL",
        "inter-chunk latency: every gap between output-bearing chunks of every request, pooled",
        True,
    ),
    Metric(
        "itl",
        "ITL",
        "inter-token latency: token gaps, only of requests whose tokens per chunk are known (the "
        "server said so chunk by chunk, or its usage equals the chunks); a chunk of k tokens "
        "gives k gaps of 1/k of its chunk gap",
        True,
    ),
    Metric(
        "tpot",
        "TPOT",
        "time per output token, per request: (last output - first output) / tokens after the "
        "first chunk (a first chunk of unstated size counts one token)",
        True,
    ),
    Metric("ntpot", "NTPOT", "normalised time per output token, per request: E2E / output tokens"),
    Metric("e2e", "E2E", "end to end, service: sent to the last output-bearing chunk"),
    Metric("e2e_response", "E2E (response)", "E2E measured from the intended start"),
    Metric("closed", "closed", "sent to the end of the body"),
    Metric("max_gap", "max gap", "the longest gap of a request, one sample a request", True),
)

NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)

OF_STREAMS = frozenset(metric.name for metric in METRICS if metric.of_streams)

NOTES: dict[str, str] = {
    "samples": "requests intended in the measure phase that ended ok, timed out or were censored; "
    "failed requests are counted as errors and give no latency samples",
    "lower_bounds": "a timed-out or censored request gives the time that it had waited as a sample "
    "(E2E, and TTFT while it had no output; its open gap once that is a stall); a percentile that "
    "reaches such a sample is a lower bound and marked at_least",
    "stall": "a gap longer than 1 s and longer than 10 times the request's median gap",
    "certified": "enough samples for the percentile at 99 % confidence with one sample over it "
    "(MLPerf's early-stopping rule): p50 11, p90 64, p95 130, p99 662, p99.9 6636; and between_ns "
    "no wider than 0.1 ms or 5 %",
    "between_ns": "where outputs shared reads, the lowest and the highest that the percentile can "
    "be, whenever they came: since the read before, and no longer ago than the client was ever "
    "late to see a read; null where none did",
    "percentile": "HDR histogram, 1 ns to 1 h, 3 significant digits: the highest equivalent value "
    "of the sample of rank ceil(p/100*n), within the exact minimum and maximum",
    "stamps": "kernel receive: when the segment arrived, by the kernel's own stamp "
    "(SO_TIMESTAMPNS); user-space read: when the event loop handed the read over, late by whatever "
    "it was doing (TLS, proxies, and where no kernel stamps exist)",
    "unsure": "samples with an end that is uncertain by more than 0.1 ms because several outputs "
    "came in one read: all but the last arrived somewhere since the read before",
    "audit": "what the client measured of itself and noticed of the server; a finding that is bad "
    "makes the run INVALID, a warning is for the reader",
    "window": "rates count what was stamped inside the measure window, whichever phase its "
    "request belongs to: tokens by the time of their chunk, requests by the end of their body",
    "tokens": "source of the output token count, per request: usage (the server's), counted "
    "(output-bearing chunks, taken as one token each), unknown",
    "not_streamed": "an answer asked for without streaming comes whole: E2E is to the read that "
    "completed the body, its tokens count at that moment, and what only a stream has (first event, "
    "TTFT, TTFO, gaps, ITL, TPOT, stalls, chunks) is n/a",
    "retries": "a request that was sent again has a row for each attempt, all with its intended "
    "time; an attempt that was followed by another gives no sample and no outcome; the last one "
    "gives the service metrics from its own sent, and the response metrics from the intended "
    "start, so that failed attempts and the waits between them are in these",
    "output_hash": "SHA-256 of a whole answer's text in UTF-8 (with reasoning: of reasoning, a NUL "
    "byte, text), in a deterministic run; per prompt in outputs.json",
    "outcomes": "planned = started + dropped + unsent; "
    "started = ok + error + timeout + cancelled + censored",
}


def definitions() -> dict[str, str]:
    """Every definition by name, as embedded in each result file."""
    metrics = {metric.name: metric.definition for metric in METRICS}
    return metrics | NOTES | STATISTICS | formulas.COST | formulas.QUALITY | formulas.SELECTION
