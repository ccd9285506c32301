"""Row of ``tailrace check`` about a burst: how many users the server really serves at once. Pure.

Rule: the estimate is that of the audit (``decoding.py``), so check and run say the same.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tailrace.results.audit_stage import SLOTS_WARN
from tailrace.results.checks import Check, Status
from tailrace.results.decoding import decoded_at_once
from tailrace.results.schema import Row
from tailrace.results.server_kind import ServerName


@dataclass(frozen=True, slots=True)
class BurstLook:
    """What came of a number of requests sent at the same moment."""

    group: str
    users: int
    asked_users: int
    """What the levels ask, which may be more than a burst sends."""
    rows: Sequence[Row]
    server: ServerName
    streamed: bool = True
    problem: str = ""
    """Why it was not sent, or not to its end."""


def burst_rows(look: BurstLook) -> list[Check]:
    """One row."""
    if look.problem and not look.rows:
        fix = "give check more time with --within"
        return [_row(look, "warn", look.problem, fix)]
    failed = Counter(
        row.error_class or row.outcome for row in look.rows if row.outcome in ("error", "timeout")
    )
    if failed:
        classes = ", ".join(f"{name} {count} times" for name, count in failed.most_common())
        error = next(row.error for row in look.rows if row.outcome in ("error", "timeout"))
        found = f"{failed.total()} of {look.users} failed: {classes}: {error}"
        fix = f"ask fewer users, or raise {look.server.more_slots}"
        return [_row(look, "fail", found, fix)]
    if not look.streamed:
        found = f"{look.users} of {look.users} answered; whole answers do not tell how many at once"
        return [_row(look, "ok", found)]
    return [_decoded(look)]


def _decoded(look: BurstLook) -> Check:
    spans = array("q")
    for row in look.rows:
        if row.first_output_ns is not None and row.last_output_ns is not None:
            spans.extend((row.first_output_ns, row.last_output_ns))
    at_once = decoded_at_once(spans)
    found = f"decodes {at_once} of {look.users} at a time"
    slots = look.server.slots
    if slots is not None:
        agrees = at_once == min(slots, look.users)
        verb = "agrees with" if agrees else "while it states"
        found += f", {verb} {look.server.slots_from} {slots}"
    if look.problem:
        found += f" ({look.problem})"
    users = max(look.users, look.asked_users)
    more = f"raise {look.server.more_slots} to {users}"
    if at_once < SLOTS_WARN * look.users:
        fix = f"{more}, or read TTFT over {at_once} users as the wait for a slot"
        return _row(look, "warn", found, fix)
    if slots is not None and slots < SLOTS_WARN * look.asked_users:
        fix = f"{more}, or read TTFT over {slots} users as the wait for a slot"
        return _row(look, "warn", f"{found}; {look.asked_users} asked", fix)
    if look.asked_users > look.users:
        found += f"; {look.asked_users} asked, the burst is no larger"
    return _row(look, "ok", found)


def _row(look: BurstLook, status: Status, found: str, fix: str = "") -> Check:
    return Check(look.group, "concurrency", status, found, fix)
