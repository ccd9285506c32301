"""``tailrace run --trace`` as a user meets it: times, lengths, shared prompts, errors."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.schema import Row, parse_row

from .command import tailrace
from .measured import measured_run
from .test_cli_bad_input import assert_sentence

MS = 1_000_000
MOONCAKE = (
    '{"timestamp": 5000, "input_length": 1100, "output_length": 5, "hash_ids": [1, 2, 3]}\n'
    '{"timestamp": 5100, "input_length": 1024, "output_length": 7, "hash_ids": [1, 2]}\n'
    '{"timestamp": 5300, "input_length": 40, "output_length": 6, "hash_ids": [9]}\n'
    '{"timestamp": 5400, "input_length": 40, "output_length": 0, "hash_ids": [9]}\n'
)


def measured(run: Path, stage: int = 0) -> list[Row]:
    lines = (run / "sim" / "requests.jsonl").read_bytes().splitlines()
    rows = [parse_row(line, "") for line in lines]
    found = [row for row in rows if row.stage == stage and row.phase == "measure"]
    return sorted(found, key=lambda row: row.intended_ns)


def result(run: Path) -> list[dict[str, Any]]:
    document = json.loads((run / "sim" / "result.json").read_text(encoding="utf-8"))
    stages: list[dict[str, Any]] = document["stages"]
    return stages


def run_trace(url: str, cwd: Path, *more: str) -> Path:
    return measured_run(cwd, "--url", url, "-m", "sim", *more)


def test_a_trace_is_replayed_at_its_times_and_lengths(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(MOONCAKE)
    run = run_trace(sim_url, tmp_path, "--trace", "t.jsonl", "--time-scale", "1,0.5")
    for stage, scale in ((0, 1.0), (1, 0.5)):
        rows = measured(run, stage)
        gaps = [b.intended_ns - a.intended_ns for a, b in pairwise(rows)]
        assert gaps == [round(100 * MS * scale), round(200 * MS * scale)]
        assert [row.output_tokens for row in rows] == [5, 7, 6]
        assert [row.prompt for row in rows] == ["1", "2", "3"]
        assert all((row.sent_ns or 0) >= row.intended_ns for row in rows)
    first, second = result(run)
    assert (first["load"], second["load"]) == ("trace", "trace x0.5")
    assert first["arrivals"]["requested_n"] == first["arrivals"]["n"] == 3
    assert first["counts"]["books"]["planned"] == 3
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert facts["scenario"]["nonce"] is False  # prompts that share blocks must begin alike
    skipped, prompts, *_ = facts["verdict"]["notes"]
    assert skipped == "trace t.jsonl: 1 line was not replayed (1 failed: 0 output tokens)"
    assert "times as long as the trace's, as the server counts" in prompts  # five letters a word


def test_workers_share_a_trace(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        + "".join(f"{n},m,{n + 1},{n % 5 + 1},0,x\n" for n in range(18))
    )
    run = run_trace(sim_url, tmp_path, "--trace", "t.csv", "--time-scale", "0.02", "-w", "2")
    rows = measured(run)
    assert [row.prompt for row in rows] == [str(n + 2) for n in range(18)]
    assert [row.output_tokens for row in rows] == [n % 5 + 1 for n in range(18)]
    assert {b.intended_ns - a.intended_ns for a, b in pairwise(rows)} == {20 * MS}
    assert [row.user for row in rows] == list(range(18))


def test_a_window_is_replayed_from_its_begin(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:00:00,10,1\n2023-11-16 18:10:00.5,10,2\n2023-11-16 18:20:00,10,3\n"
    )
    run = run_trace(sim_url, tmp_path, "--trace", "t.csv", "--window", "10m..15m")
    (row,) = measured(run)
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (stage,) = facts["models"][0]["stages"]
    assert row.intended_ns - stage["measure_from_ns"] == 500 * MS
    assert row.output_tokens == 2
    assert stage["duration_s"] == 1


def test_an_earlier_run_is_replayed_with_its_prompts(sim_url: str, tmp_path: Path) -> None:
    first = run_trace(
        *(sim_url, tmp_path, "-p", "one", "-p", "two words", "--rate", "20", "-d", "1s"),
        *("--warmup", "200ms", "--max-tokens", "9", "--name", "a"),
    )
    again = run_trace(
        *(sim_url, tmp_path, "--trace", str(first / "sim" / "requests.jsonl"), "--name", "b"),
        *("--no-nonce", "--max-tokens", "3"),
    )
    before, after = measured(first), measured(again)
    assert len(before) == len(after) > 5
    shift = after[0].intended_ns - before[0].intended_ns
    for old, new in zip(before, after, strict=True):
        assert new.intended_ns - old.intended_ns == shift
        assert (new.prompt, new.output_tokens) == (old.prompt, old.output_tokens)
    tokens = {row.prompt: row.input_tokens for row in after}
    assert tokens == {"1": 1, "2": 2}  # a quarter of the letters of "one", "two words"


def test_prompts_are_the_same_again_only_without_a_nonce(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(MOONCAKE)
    saved = []
    for nonce in ("--no-nonce", "--no-nonce", "--nonce"):
        run = run_trace(sim_url, tmp_path, "--trace", "t.jsonl", nonce)
        saved.append([row.input_tokens for row in measured(run)])
    assert saved[0] == saved[1] != saved[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trace", "nowhere"], ["--trace file 'nowhere'", "No such file"]),
        (["--trace", "bad.jsonl"], ["'bad.jsonl' line 2", "field output_length", "missing"]),
        (["--trace", "t.jsonl", "--trace-format", "azure"], ["line 1", "'TIMESTAMP'"]),
        (["--trace", "t.jsonl", "--trace-format", "vegeta"], ["--trace-format"]),
        (["--trace", "t.jsonl", "--time-scale", "fast"], ["--time-scale", "'fast'", "0.5"]),
        (["--trace", "t.jsonl", "--window", "5"], ["--window", "FROM..TO"]),
        (["--trace", "t.jsonl", "--window", "1h..2h"], ["--window leaves no request"]),
        (["--trace", "t.jsonl", "--rate", "5"], ["--rate", "--trace", "exclude"]),
        (["--trace", "t.jsonl", "-c", "5"], ["--concurrency", "--trace", "exclude"]),
        (["--trace", "t.jsonl", "--think-time", "1s"], ["--think-time"]),
        (["--trace", "t.jsonl", "--duration", "0s"], ["--duration", "longer"]),
        (["--trace", "t.jsonl", "--prompt", "a"], ["--prompt would do nothing", "a trace"]),
        (["--window", "..1h"], ["--window", "--trace FILE"]),
        (["--time-scale", "2"], ["--time-scale", "--trace FILE"]),
    ],
)
def test_a_wrong_use(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "t.jsonl").write_text(MOONCAKE)
    (tmp_path / "bad.jsonl").write_text(
        MOONCAKE.splitlines()[0] + '\n{"timestamp": 1, "input_length": 2}\n'
    )
    done = tailrace("run", "--url", "http://127.0.0.1:9", "-m", "m", *arguments, cwd=tmp_path)
    assert_sentence(done, 2, *words)
    assert not (tmp_path / "runs").exists()
