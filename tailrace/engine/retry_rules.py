"""Retry rules: which failed requests may be sent again, and what the server asks first. Pure.

Rule: only a connection that was refused, and a server that says that it cannot answer now (429 and
5xx). Never once output came, for that would be a second answer; never what would fail again as it
did (other 4xx); never a timeout or an answer that broke off, for the server may still work on it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tailrace.results.schema import Row

BUSY = (429, 503)
"""Statuses whose Retry-After says when the server can be asked again."""
LONGEST_RETRY_AFTER_S = 120.0
"""A request whose server asks for a longer wait is not sent again: it failed."""


def may_retry(row: Row) -> bool:
    """Whether a request that ended like this may be sent again."""
    if row.outcome != "error" or row.chunks:
        return False
    status = row.status or 0
    return row.error_class == "connect_refused" or status == 429 or 500 <= status < 600


def retry_after_s(retry_after: str, date: str) -> float | None:
    """The wait that a Retry-After header asks for; None where it says nothing that is understood.

    A moment is taken against the answer's own ``date``, so that no clocks are compared.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    wanted, now = _moment(text), _moment(date)
    if wanted is None or now is None:
        return None
    return max(0.0, (wanted - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # "-0000" gives none
