"""llama.cpp's own server, started as the demo starts it: it serves, counts, and ends in time."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus import samples
from tiny_gguf import NAME, SPACE, is_word, vocabulary

from tailrace.demo import llama_server
from tailrace.errors import TargetError, UsageError

pytestmark = pytest.mark.server

HOLDER = """
import http.client, sys, tempfile
from pathlib import Path
from tailrace.demo import llama_server
tempfile.tempdir = str(Path(sys.argv[1]).parent)
with llama_server(Path(sys.argv[1]), 1) as url:
    try:
        print(url, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        server = http.client.HTTPConnection(url.split("/")[2], timeout=5)
        server.request("GET", "/health")
        print(server.getresponse().status, flush=True)
"""


def listens(url: str) -> bool:
    parts = httpx.URL(url)
    try:
        socket.create_connection((parts.host, parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until_gone(url: str) -> bool:
    deadline = time.monotonic() + 10
    while listens(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not listens(url)


def stream(url: str, max_tokens: int, **extra: object) -> list[str]:
    """Return the payloads of one streamed answer, by stock httpx."""
    body = {
        "model": NAME,
        "messages": [{"role": "user", "content": "Where does the river go?"}],
        "max_tokens": max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **extra,
    }
    answer = httpx.post(f"{url}/chat/completions", json=body, timeout=30, trust_env=False)
    lines = answer.raise_for_status().text.split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def contents(payloads: list[str]) -> list[str]:
    chunks = [json.loads(payload) for payload in payloads if payload != "[DONE]"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    return [delta["content"] for delta in deltas if delta.get("content")]


@contextmanager
def holder(model: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of its own that holds a server, and the URL of that server."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_the_server_is_up_and_lists_the_model_under_its_alias(llama_url: str) -> None:
    models = httpx.get(f"{llama_url}/models", trust_env=False).json()
    assert [model["id"] for model in models["data"]] == [NAME]


@pytest.mark.parametrize("extra", [{}, {"temperature": 5.0, "top_k": 0, "top_p": 1.0}])
def test_a_streamed_answer_has_max_tokens_chunks_of_words(
    llama_url: str, extra: dict[str, float]
) -> None:
    payloads = stream(llama_url, 48, **extra)
    words = {text.replace(SPACE, " ") for text, _, _ in vocabulary() if is_word(text)}
    assert len(contents(payloads)) == 48
    assert set(contents(payloads)) <= words
    assert payloads[-1] == "[DONE]"
    assert json.loads(payloads[-2])["usage"]["completion_tokens"] == 48


def test_the_server_counts_what_it_streamed(
    llama_url: str, llama_metrics: Callable[[], dict[str, float]]
) -> None:
    before = llama_metrics()["tokens_predicted_total"]
    for _ in range(3):
        stream(llama_url, 20)
    assert llama_metrics()["tokens_predicted_total"] - before == 60


def test_prometheus_text_becomes_a_dict() -> None:
    text = '# HELP a help\n# TYPE a counter\na 3\nb{slot="1 2"} 0.5\n'
    assert samples(text) == {"a": 3.0, 'b{slot="1 2"}': 0.5}


def test_the_server_ends_when_the_context_ends(tiny_model: Path) -> None:
    with llama_server(tiny_model, 1) as url:
        assert listens(url)
    assert not listens(url)


def test_the_server_ends_when_the_parent_is_killed(tiny_model: Path) -> None:
    with holder(tiny_model) as (process, url):
        assert listens(url)
        process.kill()
        assert wait_until_gone(url)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX process groups")
def test_an_interrupt_leaves_the_server_up_until_the_parent_has_drained(tiny_model: Path) -> None:
    with holder(tiny_model) as (process, url):
        assert process.stdout is not None
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline().strip() == "200"
        assert process.wait(10) == 0
        assert not listens(url)


def test_a_model_that_cannot_be_read_fails_with_the_place_of_the_log(tmp_path: Path) -> None:
    model = tmp_path / "bad.gguf"
    model.write_bytes(b"GGUF and then nothing that makes sense")
    with pytest.raises(TargetError) as caught, llama_server(model, 1):
        pass
    assert "ended by itself with code 1" in str(caught.value)
    log = Path(str(caught.value).split("its log is in ")[1].split(" and says")[0])
    assert "bad.gguf" in log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    log.parent.rmdir()


@pytest.mark.parametrize(("name", "slots"), [("absent.gguf", 1), ("tiny.gguf", 0)])
def test_what_cannot_be_served_is_refused_before_anything_starts(
    tiny_model: Path, name: str, slots: int
) -> None:
    with pytest.raises(UsageError), llama_server(tiny_model.with_name(name), slots):
        pass
