"""Whole answers, retries and deterministic runs, as real commands against the scripted endpoint."""

from __future__ import annotations

import csv
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.schema import Row, parse_row
from tailrace.simulate import Script, background

from .command import MEASURED, tailrace

MS = 1_000_000
FAST = {"ttft_ns": 5 * MS, "gap_ns": MS, "tokens": 12}


def rows_of(run: Path, model: str = "sim") -> list[Row]:
    lines = (run / model / "requests.jsonl").read_bytes().splitlines()
    return [parse_row(line, "") for line in lines]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def ran(
    url: str, cwd: Path, *options: str, out: str = "runs", code: int = 0
) -> tuple[Path, dict[str, Any], str]:
    """A run that ended with ``code``: its folder, its first level, what it printed."""
    options = ("run", "--url", url, "-m", "sim", "-q", "--out", out, *options)
    done = tailrace(*options, cwd=cwd, env={"COLUMNS": "200"})
    assert done.returncode in (MEASURED if code == 0 else (code,)), done.stderr + done.stdout
    (run,) = (cwd / out).iterdir()
    return run, (load(run / "sim" / "result.json")["stages"] or [{}])[0], done.stdout


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_whole_answers(sim_url: str, tmp_path: Path, transport: str) -> None:
    run, stage, printed = ran(
        *(sim_url, tmp_path, "--no-stream", "-c", "2", "-n", "10", "--warmup", "0s"),
        *("--transport", transport),
    )
    rows = [row for row in rows_of(run) if row.stage == 0]
    assert {(row.outcome, row.streamed, row.output_tokens) for row in rows} == {("ok", False, 16)}
    assert {(row.token_source, row.chunks, row.first_output_ns) for row in rows} == {
        ("usage", 0, None)
    }
    assert all(row.last_output_ns == row.closed_ns == row.ended_ns for row in rows)
    assert stage["streamed"] is False
    assert stage["tokens"]["output"] == 160
    assert stage["rates"]["tokens_per_s"] > 0
    assert stage["metrics"]["e2e"]["n"] == 10
    assert stage["metrics"]["e2e"]["min_ns"] > 50 * MS  # 20 ms and 15 gaps of 2 ms
    for name in ("ttft", "ttft_response", "ttfo", "first_event", "icl", "itl", "tpot", "max_gap"):
        metric = stage["metrics"][name]
        assert metric["n"] is metric["max_ns"] is metric["histogram"] is None
        assert {entry["value_ns"] for entry in metric["percentiles"].values()} == {None}
    assert stage["stalls"] == {"gaps": None, "requests": None}
    assert stage["warnings"] == []
    with (run / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file)
    assert {line[key] for key in line if key.startswith(("ttft", "icl", "tpot"))} == {""}
    assert float(line["e2e_p50_ms"]) > 50
    assert "n/a" in printed
    for name in ("report.md", "report.html"):
        assert "n/a" in (run / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_server_that_only_streams_is_told_apart(tmp_path: Path, transport: str) -> None:
    with background(Script(fault="not_sse", **FAST)) as url:
        run, _, _ = ran(
            *(url, tmp_path, "--no-stream", "-n", "1", "--transport", transport), code=3
        )
    (model,) = load(run / "run.json")["models"]
    assert model["error_class"] == "not_json"
    assert "without --no-stream" in model["error"]


@pytest.mark.parametrize("transport", ["fast", "httpx"])
@pytest.mark.parametrize("load_options", [("-c", "1"), ("--rate", "20")])
def test_retries_are_counted_and_marked(
    tmp_path: Path, transport: str, load_options: tuple[str, ...]
) -> None:
    """Every second request fails, so each measured one is sent twice."""
    with background(Script(fault="http_500", fault_every=2, **FAST)) as url:
        run, stage, printed = ran(
            *(url, tmp_path, *load_options, "-n", "6", "--warmup", "0s"),
            *("--retries", "5", "--retry-backoff", "20ms", "--transport", transport),
        )
    rows = [row for row in rows_of(run) if row.stage == 0]
    last = [row for row in rows if not row.retried]
    failed = [row for row in rows if row.retried]
    assert len(last) == 6
    assert {row.outcome for row in last} == {"ok"}
    assert {(row.outcome, row.status) for row in failed} == {("error", 500)}
    again = {row.id.partition(".")[0] for row in failed}
    assert {row.id.partition(".")[0] for row in last if row.attempt > 1} == again
    books = stage["counts"]["books"]
    assert (books["started"], books["ok"], books["error"]) == (6, 6, 0)
    assert (books["retried"], books["retries"]) == (len(again), len(failed))
    assert stage["counts"]["measured"]["retried"] == len(again) > 0
    assert stage["retries"]["classes"] == {"http_500": len(failed)}
    assert stage["errors"] == {}
    verdict = load(run / "run.json")["verdict"]
    assert not any("books" in reason or "journal" in reason for reason in verdict["reasons"])
    assert any("latency from the intended time holds" in note for note in verdict["notes"])
    assert "were sent again" in printed
    intended = {row.id.partition(".")[0]: row.intended_ns for row in failed}
    for row in last:
        if row.attempt > 1:
            assert row.intended_ns == intended[row.id.partition(".")[0]]


def test_without_retries_each_request_is_sent_once(tmp_path: Path) -> None:
    with background(Script(fault="http_500", fault_every=2, **FAST)) as url:
        run, stage, _ = ran(url, tmp_path, "-n", "6", "--warmup", "0s")
    assert stage["counts"]["books"]["error"] == 3
    assert {row.attempt for row in rows_of(run)} == {1}
    assert stage["counts"]["books"]["retried"] == 0


def test_retry_after_is_in_the_response_time(tmp_path: Path) -> None:
    with background(Script(fault="http_429", fault_every=2, **FAST)) as url:
        _, stage, _ = ran(
            *(url, tmp_path, "-n", "1", "--warmup", "0s", "--retries", "1"),
            *("--retry-backoff", "1ms"),
        )
    metrics = stage["metrics"]
    assert metrics["e2e_response"]["min_ns"] > 1_000 * MS  # the server asks for a second
    assert metrics["e2e"]["max_ns"] < 1_000 * MS


def test_a_request_that_waits_at_the_end_is_censored(tmp_path: Path) -> None:
    """The cold request is answered, the next asked to wait a second: longer than the drain."""
    with background(Script(fault="http_429", fault_every=2, **FAST)) as url:
        run, stage, _ = ran(
            *(url, tmp_path, "-d", "300ms", "--warmup", "0s", "--drain", "100ms"),
            *("--retries", "1"),
            code=3,
        )
    books = stage["counts"]["books"]
    assert (books["started"], books["censored"], books["retried"]) == (1, 1, 1)
    rows = [row for row in rows_of(run) if row.stage == 0]
    assert [(row.attempt, row.outcome, row.retried) for row in rows] == [
        (1, "error", True),
        (2, "censored", False),
    ]
    assert rows[1].sent_ns is None
    reasons = load(run / "run.json")["verdict"]["reasons"]
    assert not any("books" in reason or "journal" in reason for reason in reasons)


def test_several_workers_ask_alike(tmp_path: Path) -> None:
    options = ("--workers", "2", "-c", "2", "-n", "8", "--no-stream", "--deterministic")
    with background(Script(fault="http_500", fault_every=3, **FAST)) as url:
        run, stage, _ = ran(url, tmp_path, *options, "--retries", "9", "--retry-backoff", "5ms")
    books, journal = stage["counts"]["books"], stage["counts"]["journal"]
    assert (books["started"], books["ok"]) == (8, 8)
    assert books["retries"] == journal["retries"] > 0
    assert books["retried"] == journal["retried"] > 0
    (prompt,) = load(run / "sim" / "outputs.json")["prompts"]
    assert (prompt["answers"], len(prompt["hashes"])) == (9, 1)


def test_a_refused_connection_is_tried_again(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    run, _, _ = ran(url, tmp_path, "-n", "1", "--retries", "2", "--retry-backoff", "10ms", code=3)
    rows = rows_of(run)
    assert [(row.id, row.attempt, row.retried) for row in rows] == [
        ("sim-cold", 1, True),
        ("sim-cold.2", 2, True),
        ("sim-cold.3", 3, False),
    ]
    assert {row.error_class for row in rows} == {"connect_refused"}


_MEASURED = ("in_flight_ns", "time_share", "between_ns", "gap_heat")


def shape(value: Any) -> Any:
    """The keys in their order, without what only measuring decides (sentences among it)."""
    if isinstance(value, dict):
        return [(key, None if key in _MEASURED else shape(entry)) for key, entry in value.items()]
    if isinstance(value, list) and not all(isinstance(entry, str) for entry in value):
        return [shape(entry) for entry in value]
    return None


def test_deterministic_runs_write_the_same_but_for_measurements(tmp_path: Path) -> None:
    prompts = ("-p", "one", "-p", "two", "-p", "three")
    with background(Script(**FAST)) as url:
        runs = [ran(url, tmp_path, "--deterministic", *prompts, out=out)[0] for out in ("a", "b")]
    first, second = runs
    outputs = [(run / "sim" / "outputs.json").read_bytes() for run in runs]
    assert outputs[0] == outputs[1]
    document = json.loads(outputs[0])
    assert [entry["prompt"] for entry in document["prompts"]] == ["1", "2", "3"]
    assert [entry["answers"] for entry in document["prompts"]] == [2, 1, 1]  # and the cold one
    facts = [load(run / "run.json") for run in runs]
    scenario = facts[0]["scenario"]
    assert json.dumps(scenario) == json.dumps(facts[1]["scenario"])
    assert (scenario["temperature"], scenario["send_seed"], scenario["nonce"]) == (0, True, False)
    assert [(level["users"], level["requests"]) for level in scenario["levels"]] == [(1, 3)]
    assert shape(facts[0]) == shape(facts[1])
    results = [load(run / "sim" / "result.json") for run in (first, second)]
    assert shape(results[0]) == shape(results[1])
    kept = [
        [(row.id, row.prompt, row.asked_hash, row.output_hash, row.text) for row in rows_of(run)]
        for run in runs
    ]
    assert kept[0] == kept[1]
    assert all(row[3] and row[4] is None for row in kept[0])


def test_a_deterministic_run_asks_at_temperature_0_with_a_seed(tmp_path: Path) -> None:
    run, _, _ = ran_once(tmp_path, "--deterministic", "--seed", "7", "--keep-text")
    assert load(run / "sim" / "outputs.json")["parameters"]["seed"] == 7
    assert {row.text for row in rows_of(run)} == {
        " tail race weir gate lake rain pool tide wave head flow pipe"
    }


def ran_once(cwd: Path, *options: str) -> tuple[Path, dict[str, Any], str]:
    with background(Script(**FAST)) as url:
        return ran(url, cwd, *options)


def test_a_fixed_salt_keeps_nonces_in_a_deterministic_run(tmp_path: Path) -> None:
    run, _, _ = ran_once(tmp_path, "--deterministic", "--salt", "s", "-c", "1,2", "-n", "4")
    scenario = load(run / "run.json")["scenario"]
    assert (scenario["nonce"], scenario["salt"]) == (True, "s")
    assert [level["requests"] for level in scenario["levels"]] == [4, 4]


@pytest.mark.parametrize("way", ["env", "file"])
def test_asking_is_set_by_environment_and_file(sim_url: str, tmp_path: Path, way: str) -> None:
    (tmp_path / "c.toml").write_text(
        'stream = false\nkeep-text = true\nretries = 2\nretry-backoff = "1s"\n', encoding="utf-8"
    )
    env = {
        "env": {
            "TAILRACE_STREAM": "false",
            "TAILRACE_KEEP_TEXT": "1",
            "TAILRACE_RETRIES": "2",
            "TAILRACE_RETRY_BACKOFF": "1",
        },
        "file": {"TAILRACE_CONFIG": "c.toml"},
    }[way]
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-n", "1", "--warmup", "0s", "-q"),
        cwd=tmp_path,
        env=env,
    )
    assert done.returncode in MEASURED, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    scenario = load(run / "run.json")["scenario"]
    assert (scenario["stream"], scenario["keep_text"]) == (False, True)
    assert scenario["retries"] == {"times": 2, "backoff_s": 1.0}
    assert scenario["idle_timeout_s"] == 600.0


def test_text_is_kept_when_asked_for_and_not_hashed(tmp_path: Path) -> None:
    run, _, _ = ran_once(tmp_path, "--keep-text", "-n", "2", "--warmup", "0s")
    assert all(row.text and row.output_hash is None for row in rows_of(run))
    assert not (run / "sim" / "outputs.json").exists()


def test_streamed_and_whole_answers_hash_alike(tmp_path: Path) -> None:
    streamed, _, _ = ran_once(tmp_path, "--deterministic")
    with background(Script(**FAST)) as url:
        whole, _, _ = ran(url, tmp_path, "--deterministic", "--no-stream", out="whole")
    name = Path("sim", "outputs.json")
    assert (streamed / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--retries", "-1"], ["--retries", "0<=x<=100"]),
        (["--retries", "many"], ["--retries"]),
        (["--retry-backoff", "0s"], ["--retry-backoff", "longer than nothing"]),
        (["--retry-backoff", "soon"], ["--retry-backoff", "'soon'"]),
        (["--deterministic", "--temperature", "0.7"], ["--temperature is 0.7"]),
        (["--deterministic", "--nonce"], ["--salt"]),
        (
            ["--deterministic", "--extra-body", '{"temperature": 1}'],
            ["--deterministic", "--extra-body"],
        ),
    ],
)
def test_bad_options_are_one_sentence(tmp_path: Path, options: list[str], words: list[str]) -> None:
    done = tailrace("run", "--url", "http://127.0.0.1:9", "-m", "m", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr.strip().splitlines()[-1]
