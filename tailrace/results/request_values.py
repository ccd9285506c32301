"""Request values: one latency of one request by the metric's name, as the tally has it. Pure.

For whoever asks about single requests: goodput, and thresholds while a level runs. A histogram is
filled by the tally itself, which takes all metrics of a row at once.
"""

from __future__ import annotations

from tailrace.results.hist import rank_of
from tailrace.results.schema import Row


def value_of(row: Row, name: str, stat: str = "max") -> float | None:
    """In ns; None where the request has no such latency.

    Of ``icl`` and ``itl`` it is the ``stat`` of the request's own gaps.
    """
    if name in ("icl", "itl"):
        return _of_gaps(row.gaps_ns, stat)
    if name == "max_gap":
        return max(row.gaps_ns, default=None)
    if name in ("tpot", "ntpot"):
        return _pace(row, name)
    if name == "start_lag":
        return start_lag_of(row)
    begin, end = _ENDS[name]
    from_ns, until_ns = getattr(row, begin), getattr(row, end)
    return None if from_ns is None or until_ns is None else float(until_ns - from_ns)


def start_lag_of(row: Row) -> int | None:
    """How late the client itself sent, ns; None where it had to wait for something else first."""
    if row.sent_ns is None or row.queued or row.attempt > 1:
        return None
    connected_ns = row.tls_end_ns or row.connect_end_ns
    if connected_ns is not None and connected_ns > row.intended_ns:
        return None
    return max(0, row.sent_ns - row.intended_ns)


_ENDS = {
    "connect": ("connect_begin_ns", "connect_end_ns"),
    "tls": ("connect_end_ns", "tls_end_ns"),
    "headers": ("sent_ns", "headers_ns"),
    "first_event": ("sent_ns", "first_event_ns"),
    "ttft": ("sent_ns", "first_output_ns"),
    "ttft_response": ("intended_ns", "first_output_ns"),
    "ttfo": ("sent_ns", "first_answer_ns"),
    "e2e": ("sent_ns", "last_output_ns"),
    "e2e_response": ("intended_ns", "last_output_ns"),
    "closed": ("sent_ns", "closed_ns"),
}


def _of_gaps(gaps_ns: list[int], stat: str) -> float | None:
    if not gaps_ns:
        return None
    if stat == "mean":
        return sum(gaps_ns) / len(gaps_ns)
    if stat == "max":
        return max(gaps_ns)
    return sorted(gaps_ns)[rank_of(float(stat[1:]), len(gaps_ns)) - 1]


def _pace(row: Row, name: str) -> float | None:
    tokens, last_ns = row.output_tokens, row.last_output_ns
    if not tokens or last_ns is None or row.sent_ns is None:
        return None
    if name == "ntpot":
        return (last_ns - row.sent_ns) // tokens
    first_chunk = row.chunk_tokens[0] if row.chunk_tokens else 1
    if row.first_output_ns is None or tokens <= first_chunk or row.chunks < 2:
        return None
    return (last_ns - row.first_output_ns) // (tokens - first_chunk)
