"""Which proxy a URL is asked through, and that nobody is told its password."""

from __future__ import annotations

import os

import pytest

from tailrace.engine.proxies import Proxy, proxy_for, told
from tailrace.errors import UsageError

URL = "https://api.example.org/v1"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("TAILRACE_PROXY_AUTH", raising=False)


def test_the_environment_counts_only_where_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    assert proxy_for(URL, None) is None
    assert proxy_for(URL, "env") == Proxy("http://p:1")
    assert proxy_for("http://api.example.org/v1", "env") is None


@pytest.mark.parametrize(
    ("no_proxy", "goes"),
    [
        ("", True),
        ("api.example.org", False),
        (".example.org", False),
        ("example.org", False),
        ("*", False),
        ("other.org", True),
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str, goes: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for(URL, "env") is not None) is goes


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://ann:p%40ss@p:1", Proxy("http://p:1", ("ann", "p@ss"))),
        ("p.example:3128", Proxy("http://p.example:3128")),
        ("https://[::1]:1/", Proxy("https://[::1]:1")),
    ],
)
def test_the_password_leaves_the_url(
    monkeypatch: pytest.MonkeyPatch, text: str, proxy: Proxy
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    assert proxy_for(URL, "env") == proxy
    assert told([URL], "env") == proxy.url


def test_a_password_beside_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for(URL, "http://p:1") == Proxy("http://p:1")
    monkeypatch.setenv("TAILRACE_PROXY_AUTH", "ann:a:b")
    assert proxy_for(URL, "http://p:1") == Proxy("http://p:1", ("ann", "a:b"))
    assert told([URL], "http://p:1") == "http://p:1"


def test_what_is_told_of_none() -> None:
    assert told([URL], None) == ""
    assert told([URL], "env") == "none"


@pytest.mark.parametrize("text", ["socks5://p:1", "http://", "http://p:x"])
def test_what_is_no_http_proxy(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", text)
    with pytest.raises(UsageError, match="is no URL like"):
        proxy_for(URL, "env")
