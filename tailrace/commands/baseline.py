"""``tailrace baseline``: runs that later ones are compared with, in a folder to be committed."""

from __future__ import annotations

from pathlib import Path

import click

from tailrace.commands.compare import IN_FOLDER
from tailrace.errors import UsageError


@click.group()
def baseline() -> None:
    """Keep what `tailrace compare --baseline` needs of a run, small enough to commit."""


@baseline.command("set")
@click.argument("run", metavar="RUN")
@click.option("--name", default="main", show_default=True)
@click.option("--allow-invalid", is_flag=True, help="Also take an INVALID run.")
@IN_FOLDER
def set_(run: str, name: str, allow_invalid: bool, folder: Path) -> None:
    """Make RUN the baseline of that name, in place of the one there is."""
    from tailrace.opened import measured
    from tailrace.results.baseline_files import write_baseline

    path = Path(run)
    found = measured(run)
    if found.alone:
        raise UsageError(f"a baseline is of a whole run, not of one model as in {run!r}")
    if found.reasons and not allow_invalid:
        raise UsageError(
            f"{run!r} is INVALID ({found.reasons[0]}), so it is no measure for others; "
            "run it again, or --allow-invalid"
        )
    written = write_baseline(folder, name, path, found.facts, found.levels)
    size = sum(file.stat().st_size for file in written.rglob("*") if file.is_file())
    click.echo(f"baseline {name}: {written} ({_size(size)})")


@baseline.command("list")
@IN_FOLDER
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")
def list_(folder: Path, as_json: bool) -> None:
    """Every baseline: its run, when that was made, its models, its size."""
    from tailrace.results.baseline_files import list_baselines
    from tailrace.results.render.text import safe_text

    found = list_baselines(folder)
    if as_json:
        import msgspec
        import orjson

        rows = [msgspec.to_builtins(note) | {"bytes": size} for note, size in found]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    if not found:
        click.echo(f"no baseline in {folder}; set one with `tailrace baseline set RUN`", err=True)
    for note, size in found:
        models = safe_text(", ".join(note.models))
        run = safe_text(note.run)
        click.echo(f"{note.name:<16} {note.started_at}  {_size(size):>8}  {run}  {models}")


@baseline.command()
@click.argument("name")
@IN_FOLDER
def remove(name: str, folder: Path) -> None:
    """Take a baseline away."""
    from tailrace.results.baseline_files import remove_baseline

    click.echo(f"removed {remove_baseline(folder, name)}")


def _size(n: int) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{n / 1e3:.0f} kB"
