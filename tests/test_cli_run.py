"""``tailrace run`` as a user meets it: output, files, exit codes, signals."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.schema import Row, parse_row
from tailrace.simulate import Script, background

from .command import MEASURED, clean_env, start_tailrace, tailrace

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")


def only_run(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


def rows_of(run: Path, model: str = "sim") -> list[Row]:
    lines = (run / model / "requests.jsonl").read_bytes().splitlines()
    return [parse_row(line, "") for line in lines]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_run_writes_its_folder_and_prints_a_table(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-m", "a/b:1", "-c", "1,3"),
        *("-n", "6", "--warmup", "100ms", "--name", "trial one"),
        cwd=tmp_path,
    )
    assert done.returncode in MEASURED, done.stderr
    assert "VALID" in done.stdout
    assert "a/b:1" in done.stdout
    assert "sim: 3 users done, ok 6" in done.stderr
    run = only_run(tmp_path)
    assert run.name.endswith("-trial-one")
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    a_model = ("requests.jsonl", "result.json", "latency.hlog")
    assert files == {
        *("run.json", "summary.csv", "report.md", "report.html"),
        *(f"{folder}/{name}" for folder in ("sim", "a-b-1") for name in a_model),
    }
    facts = load(run / "run.json")
    assert [model["model"] for model in facts["models"]] == ["sim", "a/b:1"]
    assert facts["ended"] == "complete"
    assert load(run / "a-b-1" / "result.json")["model"] == "a/b:1"
    with (run / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["model"], row["users"]) for row in table] == [
        *(("sim", "1"), ("sim", "3"), ("a/b:1", "1"), ("a/b:1", "3"))
    ]


def test_the_phases_hand_over(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-c", "4", "-d", "600ms", "--warmup", "300ms"),
        cwd=tmp_path,
    )
    assert done.returncode in MEASURED, done.stderr
    run = only_run(tmp_path)
    rows = rows_of(run)
    (stage,) = load(run / "run.json")["models"][0]["stages"]
    assert [row.phase for row in rows if row.stage == -1] == ["cold"]
    for row in rows:
        if row.stage == 0:
            inside = stage["measure_from_ns"] <= row.intended_ns < stage["measure_until_ns"]
            assert row.phase == ("measure" if inside else "warmup")
    for user in range(4):  # no pause between one request of a user and its next, phases or not
        mine = sorted(
            (r for r in rows if r.stage == 0 and r.user == user), key=lambda r: r.intended_ns
        )
        assert {row.phase for row in mine} == {"warmup", "measure"}
        for before, after in itertools.pairwise(mine):
            assert after.intended_ns == before.ended_ns
    (result,) = load(run / "sim" / "result.json")["stages"]
    assert result["window"]["seconds"] == 0.6
    assert result["in_flight"]["mean"] > 3.8


def test_json_is_the_only_thing_on_standard_output(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        "run", "--url", sim_url, "-m", "sim", "-n", "3", "--warmup", "0s", "--json", cwd=tmp_path
    )
    document = json.loads(done.stdout)
    assert document["verdict"]["valid"] is (done.returncode == 0)
    assert document["models"][0]["stages"][0]["counts"]["measured"]["ok"] == 3
    assert done.stderr == ""


def test_quiet_prints_the_table_and_nothing_else(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        "run", "--url", sim_url, "-m", "sim", "-n", "3", "--warmup", "0s", "-q", cwd=tmp_path
    )
    assert done.stderr == ""
    assert "VALID" in done.stdout


def test_flags_beat_environment_beats_file(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        f'url = "{sim_url}"\nmodel = "sim"\nmax-tokens = 5\nseed = 1\nconcurrency = [1, 2]\n'
        'requests = 4\nwarmup = "0s"\n[extra-body]\ntop_p = 0.5\n',
        encoding="utf-8",
    )
    env = {"TAILRACE_SEED": "2", "TAILRACE_MAX_TOKENS": "6", "TAILRACE_CONFIG": "c.toml"}
    done = tailrace("run", "--max-tokens", "7", "-q", cwd=tmp_path, env=env)
    assert done.returncode in MEASURED, done.stderr
    scenario = load(only_run(tmp_path) / "run.json")["scenario"]
    assert (scenario["max_tokens"], scenario["seed"]) == (7, 2)
    assert [level["users"] for level in scenario["levels"]] == [1, 2]
    assert scenario["extra_body"] == {"top_p": 0.5}
    assert {row.output_tokens for row in rows_of(only_run(tmp_path))} == {7}


def test_the_key_is_sent_and_never_kept(tmp_path: Path) -> None:
    secret = "sk-very-secret-4711"
    with background(Script(ttft_ns=1_000_000, gap_ns=1_000_000, tokens=2, api_key=secret)) as url:
        arguments = ("run", "--url", url, "-m", "sim", "-n", "2", "--warmup", "0s")
        ways: list[tuple[tuple[str, ...], dict[str, str], str]] = [
            ((), {"OPENAI_API_KEY": secret}, ""),
            (("--api-key-file", "-"), {}, secret + "\n"),
            (("--api-key-file", "key"), {}, ""),
        ]
        (tmp_path / "key").write_text(secret + "\n")
        for more, env, stdin in ways:
            done = tailrace(*arguments, *more, cwd=tmp_path, env=env, stdin=stdin)
            assert done.returncode in MEASURED, done.stderr
            assert secret not in done.stdout + done.stderr
        refused = tailrace(*arguments, cwd=tmp_path)
        assert refused.returncode == 3
    for path in (tmp_path / "runs").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_a_model_that_fails_is_a_row_and_the_rest_go_on(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "ghost", "-m", "sim", "-n", "2", "--warmup", "0s"),
        cwd=tmp_path,
    )
    assert done.returncode == 3
    facts = load(only_run(tmp_path) / "run.json")
    assert [(m["status"], m["error_class"]) for m in facts["models"]] == [
        ("failed", "model_not_found"),
        ("ok", None),
    ]
    assert "failed: model_not_found" in done.stdout
    assert "'ghost'" in done.stderr
    with (only_run(tmp_path) / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["failed", "ok"]


@pytest.fixture
def slow_url() -> Iterator[str]:
    """Answers take 40 s: 0.1 s to the first token, then one every 0.1 s."""
    script = Script(ttft_ns=100_000_000, gap_ns=100_000_000, tokens=400)
    with background(script) as url:
        yield url


def started(url: str, cwd: Path, *more: str) -> subprocess.Popen[str]:
    """A run of three users that has some output in flight."""
    return start_tailrace(
        *("run", "--url", url, "-m", "sim", "-c", "3", "-d", "60s", "--warmup", "0s"),
        *("--max-tokens", "400", *more),
        cwd=cwd,
    )


def wait_for(path_glob: str, folder: Path, text: bytes, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if any(text in path.read_bytes() for path in folder.glob(path_glob)):
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} did not appear in {path_glob}")


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_drains_and_writes(tmp_path: Path, number: int) -> None:
    script = Script(ttft_ns=100_000_000, gap_ns=50_000_000, tokens=10)  # 0.55 s an answer
    with background(script) as url:
        process = started(url, tmp_path)
        wait_for("runs/*/sim/requests.jsonl", tmp_path, b'"stage":0')
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    run = only_run(tmp_path)
    facts = load(run / "run.json")
    assert facts["ended"] == "interrupted"
    outcomes = {row.outcome for row in rows_of(run)}
    assert outcomes == {"ok"}  # those in flight were let finish
    assert "interrupted" in out
    assert facts["models"][0]["stages"][0]["books"]["ok"] == len(rows_of(run)) - 1


@posix_only
def test_two_signals_stop_at_once_and_keep_what_was_seen(slow_url: str, tmp_path: Path) -> None:
    process = started(slow_url, tmp_path, "--max-tokens", "30")
    wait_for("runs/*/run.json", tmp_path, b'"began_ns"')
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    rows = [row for row in rows_of(only_run(tmp_path)) if row.stage == 0]
    assert [row.outcome for row in rows] == ["cancelled"] * 3
    assert all(row.chunks >= 3 and len(row.gaps_ns) == row.chunks - 1 for row in rows)


@posix_only
def test_a_signal_during_the_first_request_ends_the_run(slow_url: str, tmp_path: Path) -> None:
    process = started(slow_url, tmp_path)
    wait_for("runs/*/run.json", tmp_path, b'"running"')
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    facts = load(only_run(tmp_path) / "run.json")
    assert facts["models"][0]["status"] == "interrupted"
    assert [row.outcome for row in rows_of(only_run(tmp_path))] == ["cancelled"]


def test_answers_alive_at_the_end_of_the_drain_are_censored(slow_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", slow_url, "-m", "sim", "-c", "3", "-d", "500ms", "--warmup", "0s"),
        *("--max-tokens", "30", "--drain", "400ms"),
        cwd=tmp_path,
    )
    run = only_run(tmp_path)
    rows = [row for row in rows_of(run) if row.stage == 0]
    assert [row.outcome for row in rows] == ["censored"] * 3
    (stage,) = load(run / "sim" / "result.json")["stages"]
    e2e = stage["metrics"]["e2e"]
    assert (e2e["n"], e2e["lower_bounds"]) == (3, 3)
    assert e2e["percentiles"]["p50"]["at_least"] is True
    assert e2e["min_ns"] > 0.7e9  # what they had waited
    assert stage["metrics"]["ttft"]["n"] == 3
    assert "no measured request ended ok" in done.stdout
    assert done.returncode == 3


@posix_only
def test_a_killed_run_keeps_every_finished_request(sim_url: str, tmp_path: Path) -> None:
    process = started(sim_url, tmp_path)
    wait_for("runs/*/sim/requests.jsonl", tmp_path, b"sim-0-12")
    process.kill()
    process.communicate()
    run = only_run(tmp_path)
    done = tailrace("report", str(run), cwd=tmp_path)
    assert done.returncode == 11
    assert "did not end" in done.stdout
    (stage,) = load(run / "sim" / "result.json")["stages"]
    assert stage["counts"]["measured"]["ok"] == len(rows_of(run)) - 1 >= 10


def test_report_prints_the_same_table(sim_url: str, tmp_path: Path) -> None:
    first = tailrace(
        "run", "--url", sim_url, "-m", "sim", "-n", "5", "--warmup", "0s", "-q", cwd=tmp_path
    )
    run = only_run(tmp_path)
    again = tailrace("report", str(run.relative_to(tmp_path)), cwd=tmp_path)
    assert (again.stdout, again.returncode) == (first.stdout, 0)


@posix_only
def test_a_terminal_gets_a_live_panel(sim_url: str, tmp_path: Path) -> None:
    import pty

    parent, child = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tailrace",
            "run",
            "--url",
            sim_url,
            "-m",
            "sim",
            "-c",
            "2",
            "-d",
            "2s",
            "--warmup",
            "0s",
        ],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=child,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"},
    )
    os.close(child)
    seen = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(parent)
    assert process.wait(20) in MEASURED
    text = seen.decode("utf-8")
    assert "\x1b[" in text
    assert "users" in text
    assert "VALID" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(tmp_path: Path, shell: str) -> None:
    done = tailrace("completion", shell, cwd=tmp_path)
    assert done.returncode == 0
    assert "_TAILRACE_COMPLETE" in done.stdout


def test_help_and_version(tmp_path: Path) -> None:
    for command in ("run", "report", "simulate", "demo", "completion"):
        done = tailrace(command, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert done.stdout.startswith("Usage: tailrace " + command)
    assert tailrace("--version", cwd=tmp_path).stdout.startswith("tailrace, version 0")


def test_the_simulated_demo(tmp_path: Path) -> None:
    done = tailrace("demo", "--simulated", "-c", "1,4", "-d", "1s", cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    assert "VALID" in done.stdout
    assert "report.html" in done.stdout


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom tailrace.cli import main\n"
        "sys.argv[1:] = ['--help']\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = set('asyncio httpx jinja2 msgspec numpy orjson psutil rich yaml'.split())\n"
        "sys.exit(','.join(sorted(heavy & sys.modules.keys())) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
