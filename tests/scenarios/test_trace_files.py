"""Trace files: checked in one pass, read again as a stream, in memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import orjson
import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.trace_files import named, past_prompts, replay, survey
from tailrace.scenarios.traces import REACH

S = 1_000_000_000


def mooncake(path: Path, times_ms: list[float]) -> str:
    rows = [{"timestamp": ms, "input_length": 10, "output_length": 5} for ms in times_ms]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return str(path)


def test_a_survey_says_what_is_to_be_replayed(tmp_path: Path) -> None:
    path = mooncake(tmp_path / "t.jsonl", [1000, 2000, 4000, 9000])
    trace = survey(path, None)
    assert (trace.format, trace.rows, trace.reach) == ("mooncake", 4, 0)
    assert (trace.zero_ns, trace.last_s, trace.skipped) == (S, 8.0, ())
    part = survey(path, "mooncake", (1.0, 8.0))
    assert (part.rows, part.before, part.last_s) == (2, 1, 2.0)
    assert [due_ns for due_ns, _ in replay(part)] == [0, 2 * S]


def test_a_file_that_goes_back_is_put_in_order(tmp_path: Path) -> None:
    path = mooncake(tmp_path / "t.jsonl", [2000, 1000, 3000])
    trace = survey(path, None)
    assert (trace.zero_ns, trace.reach) == (S, REACH)
    assert [(due_ns, row.line) for due_ns, row in replay(trace)] == [(0, 2), (S, 1), (2 * S, 3)]


def test_a_file_that_goes_back_too_far_is_refused(tmp_path: Path) -> None:
    path = mooncake(tmp_path / "t.jsonl", [10.0 + n for n in range(REACH + 1)] + [1.0])
    with pytest.raises(UsageError, match=rf"line {REACH + 2}: .* sort the file by time"):
        survey(path, None)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46,374,44\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert survey(str(path), None).format == "azure"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["is empty", "one request a line"]),
        (b"\xff\xfe\x00", ["line 1 is not UTF-8"]),
        (b'{"timestamp": 0, "input_length": 1, "output_length": 0}\n', ["failed: 0 output"]),
        (b"1.5\n2.5\n", ["line 1", "--trace-format"]),
        (b'{"timestamp": 0, "input_length": 1, "output_length": 1}\n\xff\n', ["line 2", "UTF-8"]),
        (
            b'{"timestamp": 0, "input_length": 1, "output_length": 1}\n'
            b'{"timestamp": 4e10, "input_length": 1, "output_length": 1}\n',
            ["longer than a year", "--window"],
        ),
        (b"x" * (16 * 2**20), ["line 1 is longer than"]),
        (b"TIMESTAMP,ContextTokens,GeneratedTokens\n", ["holds no request"]),
    ],
)
def test_a_file_that_is_no_trace(tmp_path: Path, data: bytes, words: list[str]) -> None:
    path = tmp_path / "bad"
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        survey(str(path), None)
    for word in (named(str(path)), *words):
        assert word in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--trace file .*nowhere.* cannot be read: No such file"):
        survey(str(tmp_path / "nowhere"), None)


def a_run(folder: Path, scenario: Scenario, rows: list[dict[str, object]]) -> str:
    (folder / "m").mkdir(parents=True)
    (folder / "run.json").write_bytes(orjson.dumps({"scenario": scenario.to_dict()}))
    base = {"id": "a", "stage": 0, "user": 0, "phase": "measure"}
    lines = b"".join(orjson.dumps(base | row) + b"\n" for row in rows)
    (folder / "m" / "requests.jsonl").write_bytes(lines)
    return str(folder / "m" / "requests.jsonl")


def test_a_past_run_gives_its_prompts(tmp_path: Path) -> None:
    level = Level(1, 0.0, 1.0, None)
    scenario = Scenario("http://x/v1", ("m",), (level,), prompts=("one", "two"), system="Be brief.")
    rows: list[dict[str, object]] = [
        {"intended_ns": 3 * S, "prompt": "2", "outcome": "error"},
        {"intended_ns": S, "prompt": "1", "input_tokens": 4, "output_tokens": 2},
        {"intended_ns": 2 * S, "prompt": "gone", "outcome": "error"},
    ]
    trace = survey(a_run(tmp_path / "run", scenario, rows), None)
    assert (trace.rows, trace.zero_ns) == (2, S)
    assert trace.skipped == (("neither its input tokens nor its prompt is known", 1),)
    past = past_prompts(trace.prompts_of)
    assert past["2"].messages == (("system", "Be brief."), ("user", "two"))
    assert [row.prompt for _, row in replay(trace, past)] == ["1", "2"]


def test_a_journal_without_its_run_is_replayed_by_lengths(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(
        '{"phase": "measure", "intended_ns": 5, "prompt": "1", "input_tokens": 4}\n'
        '{"phase": "measure", "intended_ns": 6, "prompt": "1", "outcome": "error"}\n'
    )
    trace = survey(str(path), None)
    assert (trace.prompts_of, trace.rows) == (None, 1)
    assert past_prompts(str(tmp_path / "no.json")) == {}


@pytest.fixture(scope="module")
def long_traces(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A hundred thousand and a million rows, each a little out of order."""
    folder = tmp_path_factory.mktemp("long")
    paths = []
    for rows in (100_000, 1_000_000):
        path = folder / f"{rows}.csv"
        with path.open("w") as file:
            file.write("Timestamp,Model,Request tokens,Response tokens\n")
            for n in range(0, rows, 2):
                file.write(f"{n + 1},m,{100 + n % 900},20\n{n},m,100,{n % 7}\n")
        paths.append(str(path))
    return paths[0], paths[1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads its peak from /proc")
def test_a_million_rows_take_no_more_memory_than_a_tenth(long_traces: tuple[str, str]) -> None:
    """Peak of a process that reads all, as a worker does; a list would take 200 MB more."""
    code = (
        "import re, sys\n"
        "from tailrace.scenarios.trace_files import survey, replay\n"
        "trace = survey(sys.argv[1], None)\n"
        "count = sum(1 for _ in replay(trace))\n"
        "assert count == trace.rows\n"
        "status = open('/proc/self/status').read()\n"
        "print(count, re.search(r'VmHWM:\\s+(\\d+)', status)[1])\n"
    )
    found = []
    for path in long_traces:
        command = [sys.executable, "-c", code, path]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append([int(word) for word in done.stdout.split()])
    (few, small_kib), (many, large_kib) = found
    assert many > 9 * few
    assert large_kib < small_kib + 16 * 1024


def test_the_heap_stays_as_small(long_traces: tuple[str, str]) -> None:
    peaks = []
    for rows in (20_000, 80_000):
        stream = replay(survey(long_traces[0], None, (0.0, float(rows))))
        tracemalloc.start()
        sum(1 for _ in stream)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
