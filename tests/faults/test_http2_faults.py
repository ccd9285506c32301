"""HTTP/2 that breaks off: each stream, or a connection with all of its streams."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from tailrace.scenarios.reach import Reach

from .asgi_server import BEFORE_THE_FAULT
from .h2_server import FAULTS, Fault, speaking_http2
from .struck import REQUESTS, run_against
from .test_tls import context_for

CLASSES = {
    "reset_stream": ("reset", "reset"),
    "goaway": ("connection_closed", "truncated"),
    "short_body": (None, "truncated"),
    "bad_frame": ("protocol", "protocol"),
    "not_http2": ("connection_closed", "truncated"),
    "close": ("connection_closed", "truncated"),
}
"""Before the headers and in the middle of the body; a length is known only there."""


@pytest.mark.parametrize(
    ("fault", "after", "error_class"),
    [
        (fault, after, error_class)
        for fault in FAULTS
        for after, error_class in zip((0, BEFORE_THE_FAULT), CLASSES[fault.__name__], strict=True)
        if error_class
    ],
)
def test_http2_that_breaks_off_has_its_class_and_the_run_goes_on(
    tmp_path: Path, fault: Fault, after: int, error_class: str
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with speaking_http2(context_for(ca, "127.0.0.1"), fault, after) as url:
        struck = run_against(
            url,
            tmp_path,
            transport="httpx",
            reach=Reach(http2=True),
            ca_file=str(tmp_path / "ca.pem"),
            users=1,
        )
    failed = [row for row in struck.rows if row.outcome != "ok"]
    assert struck.kinds == {("error", error_class)}
    assert len(failed) == REQUESTS // 2
    assert {row.chunks for row in failed} == {after}
    assert all(row.error and len(row.error) < 300 and "<" not in row.error for row in failed)
    assert struck.books.balanced()
    assert struck.took_s < 10
