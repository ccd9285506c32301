"""A key goes to the server that it is for: no redirect, no false certificate leads it away."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme

from ..cloud_server import CloudServer
from ..cloud_server import serving as serving_cloud
from ..threaded import serving
from .echo_server import echoing
from .inside import Inside

KEY, JUDGE_KEY = "sk-only-for-the-first-server", "sk-only-for-the-judge"
SHORT = ("-m", "sim", "--warmup", "0s", "-n", "2", "-q")


@contextmanager
def redirecting(to: str, status: int) -> Iterator[tuple[str, list[str]]]:
    """A server that sends everybody to another one, and the paths that it was asked for."""
    asked: list[str] = []

    class Redirect(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            asked.append(self.path)
            self.send_response(status)
            self.send_header("location", to + self.path.removeprefix("/v1"))
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

    with serving(Redirect) as root:
        yield f"{root}/v1", asked


@pytest.mark.parametrize("status", [302, 308])
def test_no_redirect_is_followed(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("TAILRACE_JUDGE_API_KEY", JUDGE_KEY)
    with echoing("well") as (other, seen), redirecting(other, status) as (url, asked):
        commands = [
            (("run", "--url", url, *SHORT), f"HTTP {status}"),
            (("run", "--url", url, *SHORT, "--transport", "httpx"), f"HTTP {status}"),
            (("run", "--url", url, "-m", "auto"), f"HTTP {status}"),
            (("check", "--url", url, "-m", "sim"), "check failed"),
        ]
        for arguments, words in commands:
            code, printed = inside(*arguments)
            assert code == 3, printed
            assert words in " ".join(printed.split())
        assert seen == [], "the other server was asked"
        assert len(asked) > 10
        code, printed = inside(
            *("run", "--url", other, *SHORT, "--judge", "J", "--judge-url", url),
        )
        assert f"http_{status}" in printed
        assert seen
        assert not any(JUDGE_KEY in heard for heard in seen)


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_certificate_of_another_host_is_refused(
    inside: Inside, tmp_path: Path, transport: str
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("other.example", "127.0.0.2").configure_cert(context)
    with serving_cloud(CloudServer(), context) as server:
        url = server.url(scheme="https")
        where = ("--url", url, "--ca-file", "ca.pem")
        code, printed = inside("run", *where, *SHORT, "--transport", transport)
        checked, told = inside("check", *where, "-m", "sim")
    assert code == checked == 3
    assert "certificate is not valid for '127.0.0.1'" in " ".join(printed.split())
    assert "certificate" in told
    assert server.headers == []
