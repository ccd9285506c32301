import io
import os
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tailrace.results.render.columns import headline
from tailrace.results.render.table import rows
from tailrace.results.render.terminal import final
from tailrace.results.verdict import Verdict

from .runs import failed_run

GOLDEN = Path(__file__).with_name("golden")
WIDTHS = (80, 100, 120, 200)
PATHS = ("runs/2026-11-20T14-03-22-three-models/report.html",)


def printed(run, width, paths=PATHS, **options):
    console = Console(width=width, file=io.StringIO(), **options)
    console.print(final(run.facts, run.results, run.verdict, paths))
    return console.file.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_golden(run, width):
    """Write the files anew with ``WRITE_GOLDEN=1`` and read the difference before it is kept."""
    path = GOLDEN / f"terminal-{width}.txt"
    text = printed(run, width)
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [30, 40, 60, *WIDTHS])
def test_no_number_is_cut_and_no_line_is_too_long(run, width):
    text = printed(run, width)
    assert "…" not in text
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert all(line == line.rstrip() for line in text.splitlines())
    levels = [level for level in rows(run.facts, run.results) if level.reached]
    words = text.split()
    for column in headline(levels):
        wanted = [column.cell(level) for level in levels]
        assert all(words.count(cell) >= wanted.count(cell) for cell in wanted)


def test_plain_without_a_terminal_and_coloured_on_one(run, invalid):
    assert "\x1b" not in printed(run, 100)
    colours = {"force_terminal": True, "color_system": "truecolor"}
    assert "\x1b[1;32mVALID\x1b[0m" in printed(run, 100, **colours)
    assert re.search("\x1b\\[1;31m.*do not balance", printed(invalid, 200, **colours))


def test_failed_model_and_footnotes(run):
    text = printed(run, 200)
    assert "mistral:7b\n  failed: model_not_found  the server answered 404" in text
    assert "\n~ not certified" in text
    assert "\n≥ lower bound" in text
    assert "≥10000" in text
    bare = printed(failed_run("gone", "refused"), 80)
    assert "~" not in bare
    assert "users" not in bare
    assert "INVALID: no measured request ended ok" in bare


def test_invalid_lists_every_reason(invalid):
    text = printed(invalid, 200)
    assert "INVALID: qwen2.5:0.5b-instruct-q4_K_M at 2 users: the books do not balance" in text
    assert "note     interrupted by a signal" in text


def test_ascii_terminal(run):
    class Latin(io.StringIO):
        encoding = "ascii"

    console = Console(width=120, file=Latin())
    console.print(final(run.facts, run.results, run.verdict, PATHS))
    text = console.file.getvalue()
    assert text.isascii()
    assert "  >=10000" in text
    assert "\n>= lower bound" in text


def test_hostile_texts_are_shown_and_do_nothing(hostile):
    text = printed(hostile, 200, force_terminal=True, color_system=None)
    assert "\x1b" not in text
    assert "[bold red]red[/]" in text
    assert "<script>alert(1)</script>" in text


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(20, 120))
def test_no_text_breaks_the_screen(model, error, width):
    text = printed(failed_run(model, error), width, paths=(error,))
    acting = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs")}
    assert acting <= {"\n"}
    assert all(cell_len(line) <= width for line in text.splitlines())


def test_same_input_same_bytes(run):
    assert printed(run, 100) == printed(run, 100)


COLOURS = {"force_terminal": True, "color_system": "standard"}


@pytest.mark.parametrize(
    ("verdict", "ending"),
    [
        (Verdict((), ()), "\n\x1b[1;32mVALID\x1b[0m\n"),
        (Verdict((), (), converted=True), "\n\x1b[1;33mCONVERTED\x1b[0m\n"),
        (Verdict(("one [b]",), ()), "\nINVALID: \x1b[1;31mone [b]\x1b[0m\n"),
        (
            Verdict(("one", "two"), ()),
            "\n\x1b[1;31mINVALID:\x1b[0m\n  - \x1b[31mone\x1b[0m\n  - \x1b[31mtwo\x1b[0m\n",
        ),
    ],
)
def test_the_verdict_in_its_colour(run, verdict, ending):
    console = Console(width=100, file=io.StringIO(), **COLOURS)
    console.print(final(run.facts, run.results, verdict, (), "of this machine"))
    hint = "accuracy \x1b[2mof this machine\x1b[0m\n"
    assert console.file.getvalue().endswith(ending + hint)


def test_the_head_names_what_was_measured_and_how(run):
    head = printed(run, 200, **COLOURS).splitlines()[:3]
    assert head[0].startswith("\x1b[1mtailrace 0")
    assert head[0].endswith("\x1b[0m  http://127.0.0.1:11434/v1/chat/completions")
    assert head[1].startswith("\x1b[2mloop=uvloop 0.21.0, transport=fast")
    assert head[2] == ""
    bare = replace(run.facts, scenario={}, engine={})
    console = Console(width=100, file=io.StringIO())
    console.print(final(bare, run.results, run.verdict))
    assert re.match(r"tailrace \S+\n\n", console.file.getvalue())
