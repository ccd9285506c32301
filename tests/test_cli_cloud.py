"""Keys, headers, queries, Retry-After and several URLs, as a user of the command meets them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tailrace.simulate import Script, background

from .cloud_server import CloudServer, serving
from .command import MEASURED, clean_env, tailrace
from .test_cli_run import load, only_run, rows_of

SHORT = ("-m", "sim", "--warmup", "0s", "-q")


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Any:
    return tailrace("run", *arguments, cwd=folder, env=env)


@pytest.mark.parametrize(
    ("given", "header", "value"),
    [
        ("auto", "authorization", "Bearer k-123"),
        ("bearer", "authorization", "Bearer k-123"),
        ("api-key", "api-key", "k-123"),
        ("x-api-key", "x-api-key", "k-123"),
        ("none", None, None),
    ],
)
def test_the_key_goes_where_auth_says_and_into_no_file(
    tmp_path: Path, given: str, header: str | None, value: str | None
) -> None:
    with serving(CloudServer()) as server:
        done = run(
            *(tmp_path, "--url", server.url(), *SHORT, "-n", "2", "--auth", given),
            env={"OPENAI_API_KEY": "k-123"},
        )
    assert done.returncode in MEASURED, done.stderr
    assert len(server.headers) == 3
    for headers in server.headers:
        sent = {name: text for name, text in headers.items() if "k-123" in text}
        assert sent == ({} if header is None else {header: value})
    texts = [path.read_bytes() for path in only_run(tmp_path).rglob("*") if path.is_file()]
    assert not any(b"k-123" in text for text in texts)
    assert "k-123" not in done.stdout + done.stderr


def test_a_query_stays_on_every_request_behind_the_path(tmp_path: Path) -> None:
    with serving(CloudServer()) as server:
        url = server.url("/openai/deployments/gpt?api-version=2024-10-21")
        done = run(tmp_path, "--url", url, *SHORT, "-n", "2")
    assert done.returncode in MEASURED, done.stderr
    wanted = "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    assert set(server.paths) == {wanted}
    assert load(only_run(tmp_path) / "run.json")["scenario"]["base_url"] == url


def test_a_models_file_has_a_body_and_a_key_header_for_each(tmp_path: Path) -> None:
    models = {
        "plain": {"model": "p"},
        "own": {"model": "o", "extra_body": {"top_k": 7, "user": "b"}, "auth": "api-key"},
        "other": {"model": "x", "headers": {"x-api-key": "${OTHER_KEY}"}},
        "open": {"model": "y", "auth": "none"},
    }
    (tmp_path / "models.json").write_text(json.dumps(models), encoding="utf-8")
    with serving(CloudServer()) as server:
        done = run(
            *(tmp_path, "--url", server.url(), "--models-file", "models.json", "-n", "1", "-q"),
            *("--warmup", "0s", "--extra-body", '{"top_k": 1, "user": "a"}'),
            env={"OPENAI_API_KEY": "k-123", "OTHER_KEY": "k-456"},
        )
    assert done.returncode in MEASURED, done.stderr
    names = ("authorization", "api-key", "x-api-key")
    seen = {
        body["model"]: (
            {name: headers[name] for name in names if name in headers},
            (body["top_k"], body["user"]),
        )
        for headers, body in zip(server.headers, server.bodies, strict=True)
    }
    assert seen == {
        "p": ({"authorization": "Bearer k-123"}, (1, "a")),
        "o": ({"api-key": "k-123"}, (7, "b")),
        "x": ({"x-api-key": "k-456"}, (1, "a")),
        "y": ({}, (1, "a")),
    }


def test_retry_after_is_counted_and_told(tmp_path: Path) -> None:
    with serving(CloudServer(busy=2, retry_after="7")) as server:
        done = run(tmp_path, "--url", server.url(), *SHORT, "-n", "4")
    assert done.returncode in MEASURED, done.stderr
    said = "2 answers were 429 or 503, 2 with Retry-After, the longest 7.00 s"
    assert said in " ".join(done.stdout.split())
    stage = load(only_run(tmp_path) / "sim" / "result.json")["stages"][0]
    assert stage["busy"] == {
        **{"answers": 2, "with_retry_after": 2, "longest_retry_after_s": 7.0},
        **{"held": 0, "held_ns": 0},
    }
    page = (only_run(tmp_path) / "report.md").read_text(encoding="utf-8")
    assert "#### Answers that asked to wait" in page


def test_a_user_waits_as_asked_where_that_is_wanted(tmp_path: Path) -> None:
    with serving(CloudServer(busy=2, retry_after="1")) as server:
        done = run(tmp_path, "--url", server.url(), *SHORT, "-n", "4", "--honor-retry-after")
    assert done.returncode in MEASURED, done.stderr
    rows = [row for row in rows_of(only_run(tmp_path)) if row.phase == "measure"]
    assert [row.retry_after_s for row in rows] == [1.0, 1.0, None, None]
    assert [row.held_ns for row in rows] == [0, 10**9, 10**9, 0]
    for before, after in itertools.pairwise(rows):
        assert after.intended_ns - before.ended_ns >= after.held_ns - 10_000_000
        assert (after.sent_ns or 0) >= after.intended_ns
    assert "users waited as asked 2 times, 2.00 s in all" in " ".join(done.stdout.split())


def test_users_are_spread_over_several_urls(tmp_path: Path) -> None:
    quick = Script(ttft_ns=5_000_000, gap_ns=1_000_000, tokens=4)
    slow = Script(ttft_ns=60_000_000, gap_ns=1_000_000, tokens=4)
    with background(quick) as one, background(slow) as two:
        done = run(tmp_path, "--url", one, "--url", two, *SHORT, "-c", "4", "-d", "900ms")
    assert done.returncode in MEASURED, done.stderr
    folder = only_run(tmp_path)
    rows = rows_of(folder)
    assert {row.url for row in rows if row.phase == "cold"} == {0, 1}
    assert all(row.url == row.user % 2 for row in rows)
    assert {row.peer for row in rows if row.url} == {two.split("/")[2]}
    stage = load(folder / "sim" / "result.json")["stages"][0]
    assert [group["base_url"] for group in stage["urls"]] == [one, two]
    quick_ns, slow_ns = (group["ttft"]["mean_ns"] for group in stage["urls"])
    assert slow_ns - quick_ns > 30_000_000
    assert f"by URL: {one} " in " ".join(done.stdout.split())
    page = (folder / "report.md").read_text(encoding="utf-8")
    assert "#### By URL, 4 users" in page
    assert "#### By address, 4 users" in page


def test_an_open_loop_takes_the_urls_in_turn_with_workers_too(tmp_path: Path) -> None:
    script = Script(ttft_ns=5_000_000, gap_ns=1_000_000, tokens=4)
    with background(script) as one, background(script) as two:
        done = run(
            *(tmp_path, "--url", one, "--url", two, *SHORT, "--rate", "40", "--arrival"),
            *("constant", "-d", "1s", "--workers", "2"),
        )
    assert done.returncode in MEASURED, done.stderr
    rows = [row for row in rows_of(only_run(tmp_path)) if row.phase == "measure"]
    shares = [sum(row.url == place for row in rows) for place in (0, 1)]
    assert sum(shares) == 40
    assert shares == [20, 20]


def test_a_url_that_does_not_answer_is_named(sim_url: str, tmp_path: Path) -> None:
    done = run(tmp_path, "--url", sim_url, "--url", "http://127.0.0.1:9/v1", *SHORT, "-n", "1")
    assert done.returncode == 3
    assert "http://127.0.0.1:9/v1 cannot be reached" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "http://h/v1?api_key=1"], "must not hold a secret (api_key=…)"),
        (["--url", "https://x.openai.azure.com/openai/deployments/d"], "add ?api-version=…"),
        (["--url", "http://h", "--url", "http://h/v1"], "is given twice"),
        (["--url", "http://h", "--http2"], "must begin with https://"),
        (["--url", "https://h", "--http2", "--transport", "fast"], "leave --transport out"),
        (["--url", "http://h", "--proxy", "http://u:p@h:1"], "TAILRACE_PROXY_AUTH"),
        (["--url", "http://h", "--proxy", "socks5://h:1"], "--proxy is env, or a URL"),
        (["--url", "http://h", "--proxy", "http://h:1", "--dns", "spread"], "--dns spread"),
        (["--url", "http://h", "--client-key", __file__], "give --client-cert as well"),
        (["--url", "https://h", "--client-cert", "nowhere.pem"], "'nowhere.pem' is not a file"),
        (["--url", "https://h", "--client-cert", __file__], "must hold a PEM certificate"),
        (["--url", "http://h", "--client-cert", __file__], "no URL begins with https://"),
        (["--url", "https://h", "--ca-file", __file__], "must hold PEM certificates"),
        (["--url", "http://h", "--rate", "5", "--honor-retry-after"], "keeps its schedule"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run(tmp_path, *arguments, "-m", "sim")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "p@h" not in done.stderr


ONE_NAME_TWO_ADDRESSES = """
import socket, sys
real = socket.getaddrinfo
def stub(host, port, *args, **kwargs):
    if host != "spread.test":
        return real(host, port, *args, **kwargs)
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 2)]
socket.getaddrinfo = stub
from tailrace.cli import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
@pytest.mark.parametrize(("dns", "addresses"), [("pin", 1), ("spread", 2)])
def test_connections_go_over_the_addresses_of_a_name(
    tmp_path: Path, dns: str, addresses: int
) -> None:
    one, two = CloudServer(), CloudServer()
    with serving(one):
        two.port = one.port
        with serving(two, host="127.0.0.2"):
            done = subprocess.run(
                [
                    *(sys.executable, "-c", ONE_NAME_TWO_ADDRESSES, "run", "--dns", dns),
                    *("--url", one.url(host="spread.test"), *SHORT, "-c", "4", "-n", "12"),
                    *("--loop", "asyncio"),
                ],
                cwd=tmp_path,
                env=clean_env(),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
    assert done.returncode in MEASURED, done.stderr
    asked = [len(server.paths) > 0 for server in (one, two)]
    assert asked == [True, addresses == 2]
    folder = only_run(tmp_path)
    peers = {row.peer for row in rows_of(folder)}
    page = (folder / "report.md").read_text(encoding="utf-8")
    if dns == "pin":
        assert peers == {None}
        assert "By address" not in page
        return
    assert peers == {f"127.0.0.{n}:{one.port}" for n in (1, 2)}
    assert "#### By address, 4 users" in page
    assert f"by address: 127.0.0.1:{one.port} " in " ".join(done.stdout.split())
