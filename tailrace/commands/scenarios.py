"""``schema``, and the other commands about scenario files: ``init`` and ``catalog``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tailrace.commands.keys import keys_of
from tailrace.errors import UsageError
from tailrace.scenarios.keys import Key

_SUFFIXES = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def _run_keys(ctx: click.Context) -> dict[str, Key]:
    """The keys that ``tailrace run`` takes, from its own options."""
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    command = root.command.get_command(root, "run")
    assert command is not None
    return {name: key for name, (key, _) in keys_of(command).items()}


@click.command()
@click.argument(
    "of", type=click.Choice(["scenario", "run", "requests", "result"]), default="scenario"
)
@click.pass_context
def schema(ctx: click.Context, of: Any) -> None:
    """Print the JSON schema of scenario files, or of a file that a run writes.

    scenario is for editors that complete and check; run is of run.json, result of result.json,
    requests of one line of requests.jsonl.
    """
    import orjson

    if of == "scenario":
        from tailrace.scenarios.scenario_schema import schema_of

        found = schema_of(_run_keys(ctx))
    else:
        from tailrace.results.schemas import published

        found = published(of)
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))


@click.command()
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["toml", "yaml", "json"]),
    help="Its format.  [default: as FILE ends, or toml]",
)
@click.pass_context
def init(ctx: click.Context, path: Path | None, form: str | None) -> None:
    """Write a scenario file with every option in it, explained; FILE is never overwritten."""
    from tailrace.scenarios.scenario_text import new_text

    path = Path(f"scenario.{form or 'toml'}") if path is None else path
    told = _SUFFIXES.get(path.suffix.lower())
    if told is None or (form is not None and form != told):
        raise UsageError(
            f"{str(path)!r} does not end like a {form or 'toml, yaml or json'} file; "
            f"name it {path.with_suffix('.' + (form or 'toml')).name!r}"
        )
    text = new_text(_run_keys(ctx), told, path.name)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{str(path)!r} is there already; name another file") from None
    except OSError as exc:
        raise UsageError(f"{str(path)!r} cannot be written: {exc.strerror}") from None
    click.echo(f"written to {path}; run it: tailrace run {path}")


@click.group(invoke_without_command=True)
@click.pass_context
def catalog(ctx: click.Context) -> None:
    """List the ready scenarios; run one with `tailrace run catalog:NAME --url …`."""
    if ctx.invoked_subcommand is not None:
        return
    from tailrace.scenarios import catalog as ready

    names = ready.names()
    width = max(map(len, names))
    for name in names:
        click.echo(f"{name:<{width}}  {ready.about(name)}")


@catalog.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the scenario file NAME."""
    from tailrace.scenarios.catalog import text_of

    click.echo(text_of(name), nl=False)


COMMANDS: tuple[click.Command, ...] = (schema, init, catalog)
