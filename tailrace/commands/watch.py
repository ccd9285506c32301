"""``tailrace watch RUN``: look at a run that goes on elsewhere, from another shell or after ssh."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.errors import EXIT_INVALID, EXIT_OK, ResultError, UsageError

if TYPE_CHECKING:
    from tailrace.results.facts import RunFacts
    from tailrace.results.files import RunFolder

PATIENCE_S = 60.0
"""How long the files that are made at the end of a run may take."""
_STILL_S = 3.0
"""Without a new word for so long, it is asked whether somebody still writes."""


@click.command()
@click.argument("run_folder", metavar="[RUN]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), default="runs", show_default=True, metavar="DIR"
)
@click.option("--once", is_flag=True, help="One line of where it stands, then end.")
@click.pass_context
def watch(ctx: click.Context, /, run_folder: Path | None, out: Path, once: bool) -> None:
    """Show how RUN goes on while another process makes it; then its table.

    Without RUN the newest one in --out. Ctrl-C ends the watching, never the run. Nothing is written
    and the run is not slowed: all that is shown is read from its files, but for the requests in
    flight, which only the run itself knows.
    """
    from tailrace.results.files import RunFolder

    folder = RunFolder(run_folder or newest(out))
    if once:
        _once(folder)
        return
    facts = _follow(folder)
    if facts.ended is None:
        raise UsageError(
            f"{str(folder.path)!r} is not going on any more, and did not end: "
            f"`tailrace run --resume {folder.path}` goes on with it, `tailrace report "
            f"{folder.path}` shows what there is"
        )
    ctx.exit(EXIT_OK if _print_end(folder) else EXIT_INVALID)


def newest(out: Path) -> Path:
    """The run in a folder that was begun last; raises UsageError when it holds none."""
    runs = sorted(out.glob("*/run.json"), key=lambda path: path.parent.name)
    if not runs:
        raise UsageError(f"{str(out)!r} holds no run; name one, as `tailrace watch RUN`")
    return runs[-1].parent


def _once(folder: RunFolder) -> None:
    from tailrace.results.render.live import log_line
    from tailrace.watching import Watching

    watching = Watching(folder)
    now = watching.look(time.time_ns())
    if now is not None:
        click.echo(log_line(now))
        return
    ended = watching.facts.ended
    click.echo(f"ended: {ended}" if ended else "between levels")


def _follow(folder: RunFolder) -> RunFacts:
    """Show it until it has ended, or nobody makes it any more."""
    from tailrace.display import choose
    from tailrace.results.lock import Lock
    from tailrace.watching import Watching

    watching = Watching(folder)
    display = choose(quiet=False)
    seen, seen_at_s = "", time.monotonic()
    try:
        while watching.facts.ended is None:
            display.show(watching.look(time.time_ns()))
            word = watching.word
            if word != seen:
                seen, seen_at_s = word, time.monotonic()
            elif time.monotonic() - seen_at_s > _STILL_S and not Lock.is_held(folder.path):
                return watching.facts
            time.sleep(display.interval_s)
    finally:
        display.close()
    return watching.facts


def _print_end(folder: RunFolder) -> bool:
    """The final table, as the run itself prints it; whether the run is valid."""
    from rich.console import Console

    from tailrace.results.render.terminal import final
    from tailrace.results.verdict import judge

    until_s = time.monotonic() + PATIENCE_S
    while True:
        facts = folder.read_facts()
        try:
            results = folder.read_results(facts)
            break
        except ResultError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)
    verdict = judge(facts, results)
    Console(highlight=False).print(final(facts, results, verdict, [str(folder.path)]))
    return verdict.valid
