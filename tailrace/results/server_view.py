"""Server view: puts what was seen of a server into its model's document. Pure.

A model whose server was not looked at has the document that it always had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.results.audit_stage import as_dict
from tailrace.results.facts import StageFacts
from tailrace.results.server_audit import audit_server
from tailrace.results.server_client import ClientSide
from tailrace.results.server_log import ServerLog
from tailrace.results.server_stage import around, stage_server
from tailrace.results.server_timeline import over_time

RULE = (
    "gauges, process and GPUs are of the looks within the measure window; counters and histograms "
    "are what they grew by over the whole level, warm-up and drain included, between looks with no "
    "request of it under way; percentiles of a server's histogram are linear within its buckets"
)


def client_side(log: ServerLog) -> ClientSide:
    """To be given the rows of the same model."""
    return ClientSide([seen.at_ns for seen in log.seen])


def add_server(
    result: dict[str, Any], log: ServerLog, stages: Sequence[StageFacts], client: ClientSide
) -> None:
    """Put it in; nothing where nothing was looked at."""
    if not log.heads:
        return
    head = log.heads[-1]
    result["server"] = {
        "software": log.software,
        "url": head.url,
        "interval_s": head.interval_s,
        "clock": head.clock,
        "pid": head.pid,
        "pid_by": head.pid_by or None,
        "notes": list(dict.fromkeys(note for each in log.heads for note in each.notes)),
        "torn_lines": log.torn_lines,
        "rule": RULE,
        **over_time(log, stages, client),
    }
    for place, document in enumerate(result["stages"]):
        totals = client.totals[stages[place].index]
        found = stage_server(log, stages, place, totals)
        document["server"] = found
        edges = around(log, stages, place)
        document["audit"] += [as_dict(each) for each in audit_server(found, edges, totals)]
