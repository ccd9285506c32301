"""Which failures may be tried again, and how long a server asks to wait: tables."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.engine.retry_rules import may_retry, retry_after_s
from tailrace.results.schema import Row


def ended(**fields: Any) -> Row:
    return Row("r", 0, 0, "measure", 0, **fields)


@pytest.mark.parametrize(
    ("fields", "may"),
    [
        ({"outcome": "error", "error_class": "connect_refused"}, True),
        *(({"outcome": "error", "error_class": f"http_{n}", "status": n}, True) for n in (429,)),
        *(
            ({"outcome": "error", "error_class": f"http_{n}", "status": n}, True)
            for n in (500, 502, 503, 504, 599)
        ),
        *(
            ({"outcome": "error", "error_class": f"http_{n}", "status": n}, False)
            for n in (302, 400, 401, 404, 408, 422)
        ),
        ({"outcome": "ok", "status": 200}, False),
        ({"outcome": "timeout", "error_class": "connect_timeout"}, False),
        ({"outcome": "timeout", "error_class": "idle_timeout", "status": 200}, False),
        ({"outcome": "error", "error_class": "dns"}, False),
        ({"outcome": "error", "error_class": "reset"}, False),
        ({"outcome": "error", "error_class": "truncated", "status": 200, "chunks": 3}, False),
        ({"outcome": "error", "error_class": "error_event", "status": 200}, False),
        ({"outcome": "error", "error_class": "truncated", "status": 503, "chunks": 1}, False),
        ({"outcome": "cancelled", "status": 503}, False),
        ({"outcome": "censored", "status": 503}, False),
    ],
)
def test_may_retry(fields: dict[str, Any], may: bool) -> None:
    assert may_retry(ended(**fields)) is may


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("header", "date", "wait_s"),
    [
        ("3", "", 3.0),
        (" 0 ", DATE, 0.0),
        ("120", DATE, 120.0),
        ("Wed, 21 Oct 2026 07:28:07 GMT", DATE, 7.0),
        ("Wed, 21 Oct 2026 07:28:07 -0000", DATE, 7.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", DATE, 0.0),
        ("Wed, 21 Oct 2026 07:28:07 GMT", "", None),
        ("", DATE, None),
        ("soon", DATE, None),
        ("-1", DATE, None),
        ("1.5", DATE, None),
        ("٣", DATE, None),
        ("9" * 40, DATE, 999_999_999.0),
    ],
)
def test_retry_after(header: str, date: str, wait_s: float | None) -> None:
    assert retry_after_s(header, date) == wait_s
