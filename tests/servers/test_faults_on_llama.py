"""The real llama.cpp server that is killed, frozen, overrun, or asked for what it has not."""

from __future__ import annotations

import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_gguf import NAME

from tests.command import MEASURED, tailrace
from tests.faults.program import Program, meanwhile, running
from tests.faults.struck import run_against
from tests.faults.table import GONE

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

KEY = "the-key-of-the-weir"
SLOTS = 2


@pytest.fixture(scope="module")
def llama(tiny_model: Path) -> Iterator[Program]:
    with running(Program("servers/serve_gguf.py", str(tiny_model), "PORT")) as program:
        until_s = time.monotonic() + 30
        while not is_loaded(program):
            assert time.monotonic() < until_s
            time.sleep(0.05)
        yield program


def is_loaded(program: Program) -> bool:
    """It listens before it has its model, and answers 503 until then."""
    try:
        with urllib.request.urlopen(f"{program.root}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_server_that_is_killed_and_started_again_is_measured_again(
    tmp_path: Path, llama: Program
) -> None:
    with meanwhile(tmp_path, 4, 0.06, lambda: llama.end(signal.SIGKILL), 0.3, llama.start):
        struck = run_against(
            f"{llama.root}/v1", tmp_path, models=(NAME,), max_tokens=400,
            requests=None, duration_s=4.0, idle_timeout_s=2.0,
        )  # fmt: skip
    classes = {row.error_class for row in struck.rows if row.outcome != "ok"}
    assert struck.rows[0].outcome == struck.rows[-1].outcome == "ok"
    assert any(row.chunks for row in struck.rows if row.outcome != "ok"), "none was cut"
    assert "connect_refused" in classes
    assert classes <= {*GONE, "http_503"}  # while it loads its model
    assert struck.books.balanced()
    assert struck.took_s < 4.0 + 1.0 + 5


def test_a_server_that_freezes_is_silence_and_what_follows_is_ok(
    tmp_path: Path, llama: Program
) -> None:
    freeze = (lambda: llama.signal(signal.SIGSTOP), 1.0, lambda: llama.signal(signal.SIGCONT))
    with meanwhile(tmp_path, 4, 0.06, *freeze):
        struck = run_against(
            f"{llama.root}/v1", tmp_path, models=(NAME,), max_tokens=400,
            requests=None, duration_s=3.0, idle_timeout_s=0.4,
        )  # fmt: skip
    assert struck.kinds == {("timeout", "idle_timeout")}
    assert struck.rows[0].outcome == struck.rows[-1].outcome == "ok"
    assert struck.books.balanced()
    assert struck.took_s < 3.0 + 1.0 + 5


def test_a_short_freeze_is_a_long_wait_and_no_failure(tmp_path: Path, llama: Program) -> None:
    freeze = (lambda: llama.signal(signal.SIGSTOP), 1.2, lambda: llama.signal(signal.SIGCONT))
    with meanwhile(tmp_path, 4, 0.06, *freeze):
        struck = run_against(
            f"{llama.root}/v1", tmp_path, models=(NAME,), max_tokens=400,
            requests=None, duration_s=2.5, idle_timeout_s=10.0, drain_s=10.0,
        )  # fmt: skip
    assert struck.kinds == set()
    waits = [gap for row in struck.rows for gap in row.gaps_ns]
    waits += [(row.first_output_ns or 0) - (row.sent_ns or 0) for row in struck.rows]
    assert max(waits) > 1e9


def test_more_users_than_slots_fail_where_they_wait_longer_than_the_idle_timeout(
    tmp_path: Path, llama: Program
) -> None:
    """One that waits for a slot gets not even its headers; who has a slot is answered."""
    struck = run_against(
        f"{llama.root}/v1", tmp_path, models=(NAME,), max_tokens=1000,
        users=4 * SLOTS, requests=24, idle_timeout_s=0.3,
    )  # fmt: skip
    assert struck.kinds == {("timeout", "idle_timeout")}
    assert [row.outcome for row in struck.rows].count("ok") >= SLOTS
    assert struck.books.balanced()
    assert struck.books.started == 24
    assert struck.took_s < 20


def test_one_prompt_that_is_too_long_fails_alone_with_the_servers_sentence(
    tmp_path: Path, llama: Program
) -> None:
    prompts = ("short", "word " * 9000)
    rows = run_against(f"{llama.root}/v1", tmp_path, models=(NAME,), prompts=prompts).rows
    failed = [row for row in rows if row.outcome != "ok"]
    assert 0 < len(failed) < len(rows)
    for row in failed:
        assert row.error_class == "http_400"
        assert "exceed" in (row.error or "")


def test_a_path_that_it_does_not_serve_ends_the_run(tmp_path: Path, llama: Program) -> None:
    finished = run_against(f"{llama.root}/weir", tmp_path, models=(NAME,)).finished
    (model,) = finished.facts.models
    assert (model.status, model.error_class) == ("failed", "http_404")
    assert finished.exit_code == 3


def test_a_model_that_it_does_not_have_is_answered_all_the_same(
    tmp_path: Path, llama: Program
) -> None:
    """This server has one model and answers with that, whatever it is asked for."""
    struck = run_against(f"{llama.root}/v1", tmp_path, models=("weir",), max_tokens=4)
    assert struck.kinds == set()
    assert len(struck.rows) == 8


@pytest.mark.parametrize(
    ("key", "codes", "told"), [("another-key", (3,), "HTTP 401"), (KEY, MEASURED, "")]
)
def test_a_key_is_asked_for(
    tmp_path: Path, tiny_model: Path, key: str, codes: tuple[int, ...], told: str
) -> None:
    with running(Program("servers/serve_gguf.py", str(tiny_model), "PORT", KEY)) as program:
        done = tailrace(
            *("run", "--url", f"{program.root}/v1", "-m", NAME, "-n", "4", "--warmup", "0s"),
            *("-q", "--out", "out"),
            cwd=tmp_path,
            env={"OPENAI_API_KEY": key},
        )
    assert done.returncode in codes, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert texts
    assert not any(key.encode() in text for text in texts)
