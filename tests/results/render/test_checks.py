"""Rows of a check as they are printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tailrace.results.checks import Check, Report
from tailrace.results.render.checks import plain_lines, summary, table

from ..golden_files import assert_golden

GOLDEN = Path(__file__).with_name("golden")
REPORT = Report(
    [
        Check("this machine", "clock", "ok", "steps of 40 ns"),
        Check("server http://box/v1", "name", "warn", "two addresses", "write one of them"),
        Check("server http://box/v1", "API", "fail", "HTTP 401", "give the key"),
    ],
    requests=10,
    lookups=17,
    took_s=1.52,
)


def printed(width: int, colour: bool) -> str:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=colour, width=width, color_system="truecolor" if colour else None
    )
    for part in table(REPORT):
        console.print(part)
    return out.getvalue()


def test_plain_lines() -> None:
    assert list(plain_lines(REPORT)) == [
        "this machine",
        "  OK    clock: steps of 40 ns",
        "",
        "server http://box/v1",
        "  WARN  name: two addresses",
        "        fix: write one of them",
        "  FAIL  API: HTTP 401",
        "        fix: give the key",
        "",
        "1 OK, 1 WARN, 1 FAIL; sent 10 requests for tokens and 17 look-ups in 1.5 s",
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_reads_without_colour(width: int) -> None:
    text = printed(width, colour=False)
    assert "\x1b" not in text
    for word in ("OK", "WARN", "FAIL", "fix: give the key", "HTTP 401"):
        assert word in text
    assert max(map(len, text.splitlines())) <= width


def test_the_table_has_colours_on_a_terminal() -> None:
    text = printed(80, colour=True)
    assert "\x1b[32m  OK" in text
    assert "\x1b[33m  WARN" in text
    assert "\x1b[1;31m  FAIL" in text


@pytest.mark.parametrize("width", [30, 80])
def test_the_table_word_for_word(width: int) -> None:
    text = printed(width, colour=True).replace("\x1b", "^")
    assert_golden(GOLDEN / f"checks-{width}.txt", text)


def test_a_long_word_is_folded_and_a_name_never() -> None:
    out = io.StringIO()
    word = "x" * 40
    for part in table(Report([Check("g", "a name of words", "ok", word)])):
        Console(file=out, width=30).print(part)
    lines = out.getvalue().splitlines()
    assert lines[1].startswith("  OK    a name of words  xxxxx")
    assert "".join(lines).count("x") == 40
    assert "…" not in "".join(lines)


def test_where_nothing_failed_the_summary_is_green() -> None:
    out = io.StringIO()
    for part in table(Report([])):
        Console(file=out, force_terminal=True, color_system="truecolor", width=200).print(part)
    assert out.getvalue().startswith("\x1b[1;32m0 OK, 0 WARN, 0 FAIL; sent 0 requests")


def test_what_a_server_wrote_cannot_repaint_the_screen() -> None:
    evil = "\x1b[2Jowned\nOK    forged: line [red]x[/red]"
    report = Report([Check("model \x1b]0;title\x07m", "answers", "fail", evil, evil)])
    lines = list(plain_lines(report))
    assert len(lines) == 5
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    out = io.StringIO()
    for part in table(report):
        Console(file=out, width=200, markup=False, highlight=False).print(part)
    assert "\x1b" not in out.getvalue()
    assert "[red]x[/red]" in out.getvalue()


def test_a_long_text_is_cut() -> None:
    report = Report([Check("g", "n", "ok", "x" * 5000)])
    assert max(map(len, plain_lines(report))) < 600
    assert summary(report).startswith("1 OK, 0 WARN, 0 FAIL")
