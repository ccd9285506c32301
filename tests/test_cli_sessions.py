"""``tailrace run --sessions`` and ``--turns`` as a user meets them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.schema import Row, parse_row
from tailrace.simulate import Script, background

from .command import tailrace
from .measured import measured_run
from .test_cli_bad_input import assert_sentence
from .tool_server import tool_server

TURNS = [{"user": "The first turn."}, {"user": "The second."}, {"user": "The third and last."}]
SESSION = json.dumps([{"id": "three", "turns": TURNS}, {"id": "one", "turns": ["Only this."]}])
ANSWER = 5 * 16  # simulate's words are five letters long
NONCE = 19


def run_sessions(url: str, cwd: Path, *more: str) -> tuple[Path, list[Row]]:
    run = measured_run(cwd, "--url", url, "-m", "sim", *more)
    lines = (run / "sim" / "requests.jsonl").read_bytes().splitlines()
    return run, [row for row in (parse_row(line, "") for line in lines) if row.stage == 0]


def sessions_of(run: Path) -> dict[str, Any]:
    document = json.loads((run / "sim" / "result.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["stages"][0]["sessions"]
    return found


def test_the_server_sees_the_earlier_answers(sim_url: str, tmp_path: Path) -> None:
    """simulate counts a quarter of the letters of all messages, so the history shows."""
    (tmp_path / "s.json").write_text(SESSION)
    run, rows = run_sessions(
        sim_url, tmp_path, "--sessions", "s.json", "-c", "2", "-n", "4", "--warmup", "0s"
    )
    said, expected = NONCE, []
    for turn in TURNS:
        said += len(turn["user"])
        expected.append(said // 4)
        said += ANSWER
    for session in (0, 2):
        mine = [row for row in rows if row.session == session]
        assert [row.input_tokens for row in mine] == expected
        assert [(row.turn, row.session_end) for row in mine] == [(1, False), (2, False), (3, True)]
        assert [row.prompt for row in mine] == ["three/1", "three/2", "three/3"]
        assert all(row.text is None for row in mine)
    found = sessions_of(run)
    assert found["books"] | {"begun": 4, "finished": 4, "broken": 0} == found["books"]
    assert [turn["turn"] for turn in found["turns"]] == [1, 2, 3]
    assert [turn["ttft"]["n"] for turn in found["turns"]] == [4, 2, 2]
    means = [turn["input_tokens_mean"] for turn in found["turns"]]
    assert means == sorted(means)


def test_think_times_lie_between_the_turns(sim_url: str, tmp_path: Path) -> None:
    turns = ["a", {"user": "b", "think_s": 0.2}, "c"]
    (tmp_path / "s.jsonl").write_text(json.dumps({"turns": turns}))
    _, rows = run_sessions(
        *(sim_url, tmp_path, "--sessions", "s.jsonl", "-n", "1", "--warmup", "0s"),
        *("--turn-think", "100ms"),
    )
    pauses = [b.intended_ns - a.ended_ns for a, b in pairwise(rows)]
    assert pauses == [200_000_000, 100_000_000]


def test_sessions_of_an_open_loop_over_workers(sim_url: str, tmp_path: Path) -> None:
    run, rows = run_sessions(
        *(sim_url, tmp_path, "--turns", "2..3", "--turn-tokens", "4..8", "--rate", "20"),
        *("-n", "6", "--warmup", "0s", "-w", "2"),
    )
    found = sessions_of(run)
    assert found["books"]["begun"] == found["books"]["finished"] == 6
    assert found["journal"] == {"begun": 6, "finished": 6, "broken": 0}
    assert {row.session for row in rows} == set(range(6))
    turns = {number: [r.turn for r in rows if r.session == number] for number in range(6)}
    assert {len(each) for each in turns.values()} == {2, 3}
    assert all(each == list(range(1, len(each) + 1)) for each in turns.values())
    text = (run / "report.md").read_text(encoding="utf-8")
    assert "#### Sessions" in text
    assert "#### Turns" in text
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert tailrace("report", str(run), cwd=tmp_path).returncode in (0, 11)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_the_same_seed_makes_the_same_sessions(sim_url: str, tmp_path: Path) -> None:
    made = []
    for seed in ("1", "1", "2"):
        _, rows = run_sessions(
            *(sim_url, tmp_path, "--turns", "1..4", "--turn-tokens", "1..50", "--no-nonce"),
            *("-c", "3", "-n", "6", "--warmup", "0s", "--seed", seed),
        )
        made.append(sorted((row.session, row.turn, row.input_tokens) for row in rows))
    assert made[0] == made[1] != made[2]


def test_a_failed_turn_breaks_its_session_off(tmp_path: Path) -> None:
    script = Script(
        *(1_000_000, 1_000_000), tokens=2, fault="http_500", fault_every=4, models=("sim",)
    )
    (tmp_path / "s.json").write_text(json.dumps({"turns": ["a", "b"]}))
    with background(script) as url:
        run, rows = run_sessions(url, tmp_path, "--sessions", "s.json", "-n", "6", "--warmup", "0s")
    found = sessions_of(run)
    books = found["books"]
    failed = [row for row in rows if row.outcome != "ok"]
    assert books["begun"] == 6 == books["finished"] + books["broken"]
    assert found["broken_by"] == {"http_500": len(failed)}
    assert books["broken"] == len(failed) > 0
    assert all(row.session_end for row in failed)
    for row in failed:  # nothing followed
        assert max(r.turn for r in rows if r.session == row.session) == row.turn


def test_a_level_by_time_leaves_sessions_unfinished(sim_url: str, tmp_path: Path) -> None:
    turns = ["a", {"user": "b", "think_s": 60}]
    (tmp_path / "s.json").write_text(json.dumps({"turns": turns}))
    run, rows = run_sessions(
        *(sim_url, tmp_path, "--sessions", "s.json", "-c", "3", "-d", "500ms"),
        *("--warmup", "0s"),
    )
    books = sessions_of(run)["books"]
    assert (books["begun"], books["finished"], books["unfinished"]) == (3, 0, 3)
    assert len(rows) == 3


def test_tool_calls_are_answered_under_their_ids(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    turns = [
        {"user": "How is the weather?", "tool_results": [{"content": {"celsius": 12}}]},
        {"user": "Thanks.", "tool_results": ["never asked for"]},
    ]
    session = {"system": "Be brief.", "tools": [tool], "turns": turns}
    (tmp_path / "s.json").write_text(json.dumps(session))
    with tool_server() as server:
        run, rows = run_sessions(
            server.url, tmp_path, "--sessions", "s.json", "-n", "1", "--warmup", "0s", "--no-nonce"
        )
    asked = server.bodies[1:]  # after the cold one
    assert len(asked) == len(rows) == 3
    assert all(body["tools"] == [tool] for body in asked)
    assert [message["role"] for message in asked[0]["messages"]] == ["system", "user"]
    assistant, result = asked[1]["messages"][2:]
    (call,) = assistant["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Oslo"}'}
    assert result == {"role": "tool", "tool_call_id": call["id"], "content": '{"celsius":12}'}
    assert asked[2]["messages"][4:] == [
        {"role": "assistant", "content": "answer to 4"},
        {"role": "user", "content": "Thanks."},
    ]
    assert [(row.turn, row.step) for row in rows] == [(1, 0), (1, 1), (2, 0)]
    books = sessions_of(run)["books"]
    assert (books["tool_results"], books["tool_results_skipped"]) == (1, 1)
    assert books["finished"] == 1
    assert "1 after 1 tool round" in (run / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sessions", "nowhere.json"], ["--sessions file 'nowhere.json'", "No such file"]),
        (["--sessions", "bad.json"], ["'bad.json' session 1, turn 2", "'usr'", "user"]),
        (["--sessions", "bad.jsonl"], ["'bad.jsonl' line 2", "JSON"]),
        (["--sessions", "s.json", "--turns", "3"], ["--sessions", "--turns", "exclude"]),
        (["--sessions", "s.json", "--turn-tokens", "3"], ["--turn-tokens", "--turns"]),
        (["--sessions", "s.json", "--prompt", "a"], ["--prompt would do nothing", "turns"]),
        (["--sessions", "s.json", "--input-tokens", "9"], ["--input-tokens would do nothing"]),
        (["--turns", "2", "--replay", "s.json"], ["--replay", "single requests"]),
        (["--turns", "0"], ["--turns", "'0'", "3..8"]),
        (["--turns", "5..2"], ["--turns", "'5..2'"]),
        (["--turns", "many"], ["--turns", "'many'"]),
        (["--turns", "2", "--turn-tokens", "x"], ["--turn-tokens", "'x'"]),
        (["--turns", "2", "--turn-think", "soon"], ["--turn-think", "'soon'"]),
        (["--turn-think", "1s"], ["--turn-think", "--sessions FILE"]),
        (["--turn-tokens", "9"], ["--turn-tokens", "--turns N"]),
    ],
)
def test_a_wrong_use(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "s.json").write_text(SESSION)
    (tmp_path / "bad.json").write_text('[{"turns": ["a", {"usr": "b"}]}]')
    (tmp_path / "bad.jsonl").write_text('{"turns": ["a"]}\nthis\n')
    done = tailrace("run", "--url", "http://127.0.0.1:9", "-m", "m", *arguments, cwd=tmp_path)
    assert_sentence(done, 2, *words)
    assert not (tmp_path / "runs").exists()


def test_a_turn_that_is_sent_again_does_not_break_its_session(tmp_path: Path) -> None:
    script = Script(1_000_000, 1_000_000, tokens=2, fault="http_500", fault_every=4)
    (tmp_path / "s.json").write_text(json.dumps({"turns": ["a", "b"]}))
    with background(script) as url:
        run, rows = run_sessions(
            *(url, tmp_path, "--sessions", "s.json", "-n", "6", "--warmup", "0s"),
            *("--retries", "3", "--retry-backoff", "1ms"),
        )
    books = sessions_of(run)["books"]
    assert (books["begun"], books["finished"], books["broken"]) == (6, 6, 0)
    assert any(row.retried for row in rows)
    last = [row for row in rows if not row.retried]
    assert len(last) == 12
    assert {row.session for row in last} == set(range(6))


@pytest.mark.parametrize("option", ["--no-stream", "--deterministic"])
def test_sessions_in_other_ways_of_asking(sim_url: str, tmp_path: Path, option: str) -> None:
    (tmp_path / "s.json").write_text(SESSION)
    more = ("-n", "2", "--warmup", "0s") if option == "--no-stream" else ()
    run, rows = run_sessions(sim_url, tmp_path, "--sessions", "s.json", option, *more)
    tokens = [row.input_tokens or 0 for row in rows if row.prompt.startswith("three/")]
    assert len(tokens) == 3
    assert tokens[0] + 20 <= tokens[1] <= tokens[2] - 20  # an answer is 20 of such tokens
    assert sessions_of(run)["books"]["finished"] == 2
    assert all(row.text is None and row.tool_calls is None for row in rows)
