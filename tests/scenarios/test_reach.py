"""Which header carries a key, and what only the stock client can do."""

from __future__ import annotations

import pytest

from tailrace.scenarios.reach import Reach, is_key_header, key_header


@pytest.mark.parametrize(
    ("auth", "azure", "header"),
    [
        ("auto", False, ("Authorization", "Bearer k")),
        ("auto", True, ("api-key", "k")),
        ("bearer", True, ("Authorization", "Bearer k")),
        ("api-key", False, ("api-key", "k")),
        ("x-api-key", False, ("x-api-key", "k")),
        ("none", True, None),
    ],
)
def test_the_header_of_a_key(auth: str, azure: bool, header: tuple[str, str] | None) -> None:
    assert key_header(auth, "k", azure) == header
    assert header is None or is_key_header(header[0].upper())


def test_other_headers_carry_no_key() -> None:
    assert not is_key_header("x-team")


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        (Reach(), ""),
        (Reach(http2=True), "--http2"),
        (Reach(proxy="env"), "--proxy"),
        (Reach(http2=True, proxy="http://p:1"), "--http2 and --proxy"),
        (Reach(dns="spread", client_cert="c.pem"), ""),
    ],
)
def test_what_needs_the_stock_client(reach: Reach, said: str) -> None:
    assert reach.needs_httpx == said
