"""HTTP/2 and a CONNECT proxy, on a real server: hypercorn with TLS, which streams."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.command import MEASURED, clean_env, tailrace
from tests.proxy_server import ConnectProxy, proxying
from tests.test_cli_run import load, only_run, rows_of

pytestmark = pytest.mark.server
pytest.importorskip("hypercorn")
pytest.importorskip("h2")

SHORT = ("-m", "sim", "--warmup", "0s", "-q", "-n", "6", "-c", "3")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem that holds certificate and key."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf = ca.issue_cert("127.0.0.1", "localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return folder


@contextmanager
def hypercorn(certificate: Path, *arguments: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(__file__).with_name("http2_server.py"))
    process = subprocess.Popen([sys.executable, program, str(certificate), str(port), *arguments])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"https://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(10)


def test_http2_is_spoken_and_the_result_says_so(authority: Path, tmp_path: Path) -> None:
    with hypercorn(authority / "server.pem") as url:
        done = tailrace(
            *("run", "--url", url, "--http2", "--ca-file", str(authority / "ca.pem"), *SHORT),
            cwd=tmp_path,
        )
    assert done.returncode in MEASURED, done.stderr
    run = only_run(tmp_path)
    rows = [row for row in rows_of(run) if row.phase == "measure"]
    assert {row.http for row in rows} == {"2"}
    assert all(row.chunks == 6 and row.outcome == "ok" for row in rows)
    assert all(sum(row.gaps_ns) > 50_000_000 for row in rows), "it did not stream"
    facts = load(run / "run.json")
    assert facts["engine"]["transport"] == "httpx (for --http2)"
    assert facts["engine"]["stamps"] == "user-space read"
    assert load(run / "sim" / "result.json")["stages"][0]["http"] == {"2": 6}
    said = " ".join(done.stdout.split())
    assert "transport=httpx (for --http2), stamps=user-space read" in said
    assert "HTTP version spoken: 2 (6 answers)" in said


def test_a_server_without_http2_is_told_as_such(authority: Path, tmp_path: Path) -> None:
    with hypercorn(authority / "server.pem", "--http1") as url:
        done = tailrace(
            *("run", "--url", url, "--http2", "--ca-file", str(authority / "ca.pem"), *SHORT),
            cwd=tmp_path,
        )
    assert done.returncode in MEASURED, done.stderr
    assert "HTTP version spoken: 1.1 (6 answers)" in " ".join(done.stdout.split())


@pytest.mark.parametrize("way", ["option", "environment", "no_proxy"])
def test_a_proxy_is_gone_through(authority: Path, tmp_path: Path, way: str) -> None:
    proxy = ConnectProxy(auth="ann:s3cret")
    with hypercorn(authority / "server.pem") as url, proxying(proxy):
        option, env = proxy.url, {"TAILRACE_PROXY_AUTH": "ann:s3cret"}
        if way != "option":
            option, env = "env", {"HTTPS_PROXY": f"http://ann:s3cret@127.0.0.1:{proxy.port}"}
        env["NO_PROXY"] = "127.0.0.1" if way == "no_proxy" else ""
        done = tailrace(
            *("run", "--url", url, "--http2", "--proxy", option, *SHORT),
            *("--ca-file", str(authority / "ca.pem")),
            cwd=tmp_path,
            env=env,
        )
    assert done.returncode in MEASURED, done.stderr
    target = url.removeprefix("https://").removesuffix("/v1")
    assert set(proxy.tunnels) == (set() if way == "no_proxy" else {target})
    run = only_run(tmp_path)
    told = "none" if way == "no_proxy" else proxy.url
    assert load(run / "run.json")["engine"]["proxy"] == told
    assert f"proxy={told}" in " ".join(done.stdout.split())
    assert all(row.http == "2" for row in rows_of(run))
    texts = [path.read_bytes() for path in run.rglob("*") if path.is_file()]
    assert not any(b"s3cret" in text for text in texts)


def test_a_proxy_that_refuses_is_named(authority: Path, tmp_path: Path) -> None:
    with proxying(ConnectProxy(auth="ann:s3cret")) as proxy:
        done = tailrace(
            *("run", "--url", "https://127.0.0.1:9/v1", "--proxy", proxy.url, *SHORT),
            cwd=tmp_path,
            env=clean_env({"TAILRACE_PROXY_AUTH": "ann:wrong"}),
        )
    assert done.returncode == 3
    assert "the proxy refused the connection: 407" in done.stderr
    assert proxy.tunnels == []
