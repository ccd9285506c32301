"""``tailrace select`` and ``tailrace variants``: models side by side, from runs that have ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError

if TYPE_CHECKING:
    from tailrace.results.render.section import Section
    from tailrace.results.render.sheet import Sheet

T = TypeVar("T")


OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--label",
        help="Name of the variant that is measured, like gpu-on; for `tailrace variants`.",
    ),
)
_FORMATS = ("text", "md", "csv", "json")
_FORMAT = click.option(
    "--format", "-f", "form", type=click.Choice(_FORMATS), default="text", show_default=True
)
_AT = click.option("--at", metavar="LEVEL", help="Load level, as the tables name it: 8, 50/s.")


def label(values: dict[str, Any]) -> str:
    """The value of ``--label``; raises UsageError for one that no table can show."""
    text: str = values["label"] or ""
    if text and (not text.strip() or not text.isprintable() or len(text) > 60):
        raise UsageError(f"--label {text[:80]!r} must be 1 to 60 printable characters, like gpu-on")
    return text


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_AT
@_FORMAT
def select(runs: tuple[Path, ...], at: str | None, form: str) -> None:
    """Models on one page: latency, speed, memory, quality, disk, licence, cost, and Pareto mark.

    All figures are of one load level: --at, else the highest that all models have. What is not
    known is n/a; a model that failed keeps its row.
    """
    from tailrace.opened import ran
    from tailrace.results.render import selection as render
    from tailrace.results.selection import select as selected

    found = selected([ran(run) for run in runs], at)
    shapes = (render.selection_json, render.selection_csv_sheet, render.section_of)
    _echo(found, form, *shapes)


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_AT
@_FORMAT
def variants(first: str, second: str, at: str | None, form: str) -> None:
    """What changes from variant A to B of a model: every figure, absolute and relative.

    A and B are each RUN, or RUN:MODEL where a run has several models. They must have asked the same
    prompts with the same settings; otherwise nothing is compared.
    """
    from tailrace.opened import sides
    from tailrace.results.render import variants as render
    from tailrace.results.variants import compare

    found = compare(*sides(first, second), at)
    shapes = (render.variants_json, render.variants_csv_sheet, render.variants_section)
    _echo(found, form, *shapes)


def _echo(
    found: T,
    form: str,
    as_document: Callable[[T], dict[str, Any]],
    as_sheet: Callable[[T], Sheet],
    as_section: Callable[[T], Section],
) -> None:
    """Print a comparison in the form that is asked for."""
    if form == "json":
        import orjson

        click.echo(orjson.dumps(as_document(found), option=orjson.OPT_INDENT_2))
    elif form == "csv":
        from tailrace.results.render.sheet_text import sheet_csv

        # As it would be written: with its own line ends and its byte order mark.
        click.echo(sheet_csv(as_sheet(found)).encode("utf-8"), nl=False)
    else:
        _echo_section(as_section(found), form)


def _echo_section(section: Section, form: str) -> None:
    if form == "md":
        from tailrace.results.render.markdown import prose, section_md

        click.echo("\n\n".join([f"## {prose(section.title)}", *filter(None, section_md(section))]))
        return
    from shutil import get_terminal_size

    from tailrace.results.render.sheet_text import section_lines

    for line in section_lines(section, get_terminal_size().columns):
        click.echo(line)
