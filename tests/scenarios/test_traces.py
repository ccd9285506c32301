"""Traces as streams of rows: put in order, cut to a window, scaled."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.traces import (
    Survey,
    Trace,
    TraceRow,
    due,
    in_order,
    parse_scales,
    parse_window,
)

S = 1_000_000_000
times = st.lists(st.integers(0, 1000 * S), min_size=1, max_size=60)


def rows_at(times_ns: list[int]) -> list[TraceRow]:
    return [TraceRow(at_ns, line, 10, 5) for line, at_ns in enumerate(times_ns, 1)]


def trace(**more: object) -> Trace:
    values = {"path": "t", "format": "mooncake", "rows": 0, "zero_ns": 0, "last_s": 0.0}
    return Trace(**(values | more))  # type: ignore[arg-type]


@given(times)
def test_rows_within_reach_are_put_in_order(times_ns: list[int]) -> None:
    rows = rows_at(times_ns)
    assert list(in_order(rows, len(rows), "f")) == sorted(rows)


@given(times, st.integers(0, 10))
def test_what_is_given_out_is_always_in_order(times_ns: list[int], reach: int) -> None:
    """Either all rows in order, or a sentence that names the row that is too far off."""
    rows = rows_at(times_ns)
    off = max(sum(b.at_ns > a.at_ns for b in rows[:i]) for i, a in enumerate(rows))
    if off <= reach:
        assert list(in_order(rows, reach, "f")) == sorted(rows)
        return
    with pytest.raises(UsageError, match=r"file 'f' line .* sort the file by time"):
        list(in_order(rows, reach, "file 'f'"))


@pytest.mark.parametrize("reach", [0, 1, 5])
def test_a_row_one_place_too_far_off_is_refused(reach: int) -> None:
    rows = rows_at([10 * S] + [S * (20 + n) for n in range(reach)] + [5 * S])
    if reach:
        assert next(iter(in_order(rows, reach + 1, "f"))).at_ns == 5 * S
    with pytest.raises(UsageError, match=rf"line {reach + 2}: its time is 5 s before .* line 1"):
        list(in_order(rows, reach, "f"))


def test_only_so_many_rows_are_read_ahead() -> None:
    read = 0

    def counted() -> object:
        nonlocal read
        for row in rows_at(list(range(1000))):
            read += 1
            yield row

    stream = in_order(counted(), 10, "f")  # type: ignore[arg-type]
    for n in range(1, 50):
        next(stream)
        assert read <= 10 + n


@given(times, st.integers(0, 1000), st.integers(1, 1000))
def test_a_window_is_a_cut(times_ns: list[int], from_s: int, length_s: int) -> None:
    rows = sorted(rows_at(times_ns))
    zero_ns = rows[0].at_ns
    cut = trace(zero_ns=zero_ns, from_s=float(from_s), until_s=float(from_s + length_s))
    begin = zero_ns + from_s * S
    expected = [row for row in rows if begin <= row.at_ns < begin + length_s * S]
    found = list(due(rows, cut))
    assert [row for _, row in found] == expected
    assert [at_ns for at_ns, _ in found] == [row.at_ns - begin for row in expected]


@given(times, st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_windows_side_by_side_are_the_whole(times_ns: list[int], lengths: list[int]) -> None:
    rows = sorted(rows_at(times_ns))
    zero_ns, at, found = rows[0].at_ns, 0, []
    for length in lengths:
        part = trace(zero_ns=zero_ns, from_s=float(at), until_s=float(at + length))
        found += [(at * S + due_ns, row) for due_ns, row in due(rows, part)]
        at += length
    rest = due(rows, trace(zero_ns=zero_ns, from_s=float(at)))
    found += [(at * S + due_ns, row) for due_ns, row in rest]
    assert found == list(due(rows, trace(zero_ns=zero_ns)))


@given(times, st.floats(1e-3, 1e3))
def test_scaling_multiplies_every_time(times_ns: list[int], scale: float) -> None:
    rows = sorted(rows_at(times_ns))
    zero_ns = rows[0].at_ns
    plain = [at_ns for at_ns, _ in due(rows, trace(zero_ns=zero_ns))]
    scaled = [at_ns for at_ns, _ in due(rows, trace(zero_ns=zero_ns, time_scale=scale))]
    assert all(a <= b for a, b in pairwise(scaled))
    for before, after in zip(plain, scaled, strict=True):
        assert after == pytest.approx(before * scale, rel=1e-12, abs=0.5)


def test_a_scale_of_one_changes_no_nanosecond() -> None:
    rows = rows_at([0, 2**53 + 1])
    assert [at for at, _ in due(rows, trace())] == [0, 2**53 + 1]


@given(times, st.integers(0, 1200), st.integers(1, 500))
def test_a_survey_counts_what_is_due(times_ns: list[int], from_s: int, length_s: int) -> None:
    rows = sorted(rows_at(times_ns))
    survey = Survey(float(from_s), float(from_s + length_s))
    for row in rows:
        survey.note(row)
    cut = trace(zero_ns=rows[0].at_ns, from_s=float(from_s), until_s=float(from_s + length_s))
    found = list(due(rows, cut))
    assert (survey.rows, survey.total) == (len(found), len(rows))
    assert survey.last_ns == (found[-1][0] if found else 0)
    if not found:
        with pytest.raises(UsageError, match="--window leaves no request of f"):
            survey.check("f")


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("10m..20m", (600.0, 1200.0)),
        ("..1h", (0.0, 3600.0)),
        ("10s..", (10.0, None)),
        (" 1s .. 2s ", (1.0, 2.0)),
        ("0..0.5", (0.0, 0.5)),
    ],
)
def test_windows(text: str, window: tuple[float, float | None]) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize("text", ["", "..", "10m", "10m-20m", "a..b", "2s..1s", "1s..1s", "-1..2"])
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(UsageError, match="--window"):
        parse_window(text)


def test_scales() -> None:
    assert parse_scales("1") == (1.0,)
    assert parse_scales("1, 0.5,0.25") == (1.0, 0.5, 0.25)


@pytest.mark.parametrize("text", ["", "0", "-1", "x2", "1,,2", "1e9", "0.00001", "nan", "inf"])
def test_what_is_no_scale(text: str) -> None:
    with pytest.raises(UsageError, match=r"--time-scale .* twice as fast"):
        parse_scales(text)


def test_a_level_of_a_trace_says_how_fast() -> None:
    assert trace().text == "trace"
    assert trace(time_scale=0.5).text == "trace x0.5"


def test_a_survey_adds_up_tokens_and_knows_how_long_the_trace_is() -> None:
    survey = Survey(2.0, 5.0)
    tokens = [(1, 1), (2, 20), (None, 30), (4, None), (5, 50)]
    for at_s, (asked, answered) in enumerate(tokens, 1):
        survey.note(TraceRow(at_s * S, at_s, asked, answered))
    survey.note(TraceRow(9 * S, 9, 7, 7))
    assert (survey.zero_ns, survey.total, survey.before, survey.rows) == (S, 6, 2, 3)
    assert (survey.input_tokens, survey.output_tokens) == (9, 80)
    assert (survey.last_ns, survey.ends_ns) == (2 * S, 8 * S)
    survey.check("f")


@pytest.mark.parametrize(
    ("from_s", "times_s", "says"),
    [
        (0.0, [], "f holds no request that could be replayed"),
        (
            20.0,
            [5, 15],
            "--window leaves no request of f, which lasts 10 s; choose a window inside it",
        ),
        (0.0, [0, 367 * 86_400], "f lasts longer than a year; cut it with --window"),
    ],
)
def test_what_cannot_be_replayed(from_s: float, times_s: list[int], says: str) -> None:
    survey = Survey(from_s, None)
    for at_s in times_s:
        survey.note(TraceRow(at_s * S, 1, None, None))
    with pytest.raises(UsageError) as raised:
        survey.check("f")
    assert str(raised.value) == says


def test_a_trace_of_a_year_can_be_replayed() -> None:
    survey = Survey(0.0, None)
    for row in rows_at([0, 366 * 86_400 * S]):
        survey.note(row)
    survey.check("f")


def test_the_ends_of_what_a_scale_can_be() -> None:
    assert parse_scales("0.0001,10000") == (1e-4, 1e4)


def test_what_is_wrong_with_a_window_is_said() -> None:
    says = {
        "5m": "--window '5m' is not a part of a trace; write FROM..TO since its first row, "
        "like 10m..20m, ..1h or 10m..",
        "2s..1s": "--window '2s..1s' ends before it begins; write FROM..TO",
    }
    for text, sentence in says.items():
        with pytest.raises(UsageError) as raised:
            parse_window(text)
        assert str(raised.value) == sentence
    with pytest.raises(UsageError, match=r"^--window"):
        parse_window("1s..x")
