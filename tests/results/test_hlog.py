"""The interval log, read back by HdrHistogram's own reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.hist import HIGHEST_NS
from tailrace.results.hlog import LOGGED, IntervalLog, header
from tailrace.results.schema import Row
from tailrace.results.tally import Tally

from .builders import MS, counts_of, row, run_folder, tally, waited

WALL_NS = 1_795_183_402_250_000_000
WALL_MS = 1_795_183_402_250


def logged(rows: Iterable[Row]) -> list[str]:
    log = IntervalLog()
    stage, lines = Tally(), []
    for one in rows:
        lines += log.before(one, stage)
        stage.add(one)
    return lines + log.close()


def written(path: Path, lines: Iterable[str]) -> Path:
    path.write_bytes((header(WALL_NS) + "".join(lines)).encode())
    return path


def read_back(path: Path) -> list[Any]:
    """Every interval as HdrHistogram's reader sees it."""
    reader = HistogramLogReader(str(path), HdrHistogram(1, HIGHEST_NS, 3))
    try:
        found = []
        while (interval := reader.get_next_interval_histogram()) is not None:
            found.append(interval)
        return found
    finally:
        reader.close()


def fields_of(line: str) -> tuple[str, str, str, str, str]:
    match = re.fullmatch(r"Tag=([a-z0-9_]+),([^,]+),([^,]+),([^,]+),([^,]+)\n", line)
    assert match is not None
    tag, start, length, most, payload = match.groups()
    return tag, start, length, most, payload


def test_the_header() -> None:
    assert header(WALL_NS).splitlines() == [
        "#[Histogram log format version 1.2]",
        "#[StartTime: 1795183402.250 (seconds since epoch), 2026-11-20T14:03:22.250+00:00]",
        "#[BaseTime: 1795183402.250 (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]


def test_one_line_a_metric_and_second() -> None:
    lines = logged([row(0, 100, (10,)), row(500, 100, (10,)), row(3_000, 200, (20,))])
    seen = [fields_of(line)[:4] for line in lines]
    ttft = [entry for entry in seen if entry[0] == "ttft"]
    assert [entry[:3] for entry in ttft] == [("ttft", "0.000", "1.000"), ("ttft", "3.000", "1.000")]
    assert [float(entry[3]) for entry in ttft] == pytest.approx([100, 200], rel=1e-3)
    assert {entry[0] for entry in seen} == set(LOGGED)
    assert len(seen) == 2 * len(LOGGED)


def test_a_second_belongs_to_the_requests_that_ended_in_it() -> None:
    (line, *_) = logged([row(500, 100, (1_000,))])
    assert fields_of(line)[1] == "1.000"
    edge = logged([row(0, 999, (0,), ended_ns=1_000 * MS)])
    assert fields_of(edge[0])[1] == "1.000"


def test_a_row_that_comes_late_is_in_the_open_second() -> None:
    lines = logged([row(5_000), row(100), row(5_100)])
    ttft = [fields_of(line) for line in lines if line.startswith("Tag=ttft,")]
    assert [entry[1] for entry in ttft] == ["5.000"]
    assert sum(counts_of(ttft[0][4]).values()) == 3


@pytest.mark.parametrize("rows", [[], [row(phase="warmup")], [row(outcome="error")]])
def test_without_measured_samples_there_are_no_lines(rows: list[Row]) -> None:
    assert logged(rows) == []


def test_hdr_histograms_own_reader_reads_it(tmp_path: Path) -> None:
    rows = [row(k * 300, 100 + k, (10, 20, 30)) for k in range(12)]
    rows.append(waited("timeout", 9_000))
    intervals = read_back(written(tmp_path / "x.hlog", logged(rows)))
    assert {interval.tag for interval in intervals} == set(LOGGED)
    ttft = [interval for interval in intervals if interval.tag == "ttft"]
    assert sum(interval.get_total_count() for interval in ttft) == 13
    assert ttft[0].get_start_time_stamp() == WALL_MS
    assert ttft[0].get_end_time_stamp() == WALL_MS + 1_000
    assert ttft[-1].get_start_time_stamp() == WALL_MS + 9_000


def test_intervals_merged_by_hdrhistogram_are_the_histogram_of_the_result(tmp_path: Path) -> None:
    rows = [row(k * 300, 100 + k * k, (10, 20 + k, 1_500)) for k in range(40)]
    folder = run_folder(tmp_path, rows)
    _, (result,), _ = folder.rebuild()
    for name in LOGGED:
        merged = HdrHistogram(1, HIGHEST_NS, 3)
        for interval in read_back(tmp_path / "m/latency.hlog"):
            if interval.tag == name:
                merged.add(interval)
        wanted = result["stages"][0]["metrics"][name]
        assert merged.get_total_count() == wanted["n"]
        assert counts_of(merged.encode()) == counts_of(wanted["histogram"])


rows_of_all_kinds = st.lists(
    st.builds(
        lambda sent, first, gaps, phase, outcome: row(
            sent,
            first,
            gaps,
            phase=phase,
            outcome=outcome,
            ended_ns=(sent + first + sum(gaps) + 7) * MS,
        ),
        st.integers(0, 4_000),
        st.integers(2, 500),
        st.lists(st.integers(0, 2_000), max_size=4),
        st.sampled_from(("measure", "measure", "warmup")),
        st.sampled_from(("ok", "ok", "error", "timeout", "censored")),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None)
@given(rows_of_all_kinds)
def test_the_intervals_of_a_metric_sum_up_to_the_stage(rows: list[Row]) -> None:
    whole = tally(*rows)
    found: dict[str, dict[int, int]] = {}
    for line in logged(rows):
        tag, *_, payload = fields_of(line)
        counts = found.setdefault(tag, {})
        for value, count in counts_of(payload).items():
            counts[value] = counts.get(value, 0) + count
    for name in LOGGED:
        hist = whole.hists[name]
        assert found.get(name, {}) == (counts_of(hist.encode()) if hist.n else {})


@settings(max_examples=60, deadline=None)
@given(rows_of_all_kinds)
def test_seconds_never_go_back(rows: list[Row]) -> None:
    starts = [float(fields_of(line)[1]) for line in logged(rows)]
    assert starts == sorted(starts)
    longest = {}
    for line in logged(rows):
        tag, _, _, most, _ = fields_of(line)
        longest[tag] = max(longest.get(tag, 0.0), float(most))
    whole = tally(*rows)
    for tag, most in longest.items():
        true_ms = whole.hists[tag].max_ns / 1e6
        assert true_ms - 1e-6 <= most <= true_ms * 1.001 + 1e-6, "the maximum as its bucket"
