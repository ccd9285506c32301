"""``--foundry``: the run's models live on Foundry Local; and ``tailrace foundry``: what it has."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError

if TYPE_CHECKING:
    from tailrace.engine.foundry_catalog import CatalogModel
    from tailrace.engine.foundry_discovery import Found

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--foundry",
        is_flag=True,
        help="The models live on Foundry Local: its port is found, and each model is loaded for "
        "its turn by alias or id. --url names the service where it is not found by itself.",
    ),
    option(
        "--foundry-keep",
        is_flag=True,
        help="Leave the models that were loaded on Foundry Local loaded after their turn.",
    ),
)
_OWN_VARIABLE = "TAILRACE_URL"
_PIPED_WIDTH = 240
"""Ids that a script reads are not broken into lines."""


def url_of(values: Mapping[str, Any]) -> str | None:
    """``--url``; with ``--foundry`` only where it was meant for this, not for any OpenAI client.

    FOUNDRY_LOCAL_ENDPOINT is left to the search, which says so when it is stale.
    """
    import os

    url: str | None = values["url"]
    ctx = click.get_current_context(silent=True)
    if url is None or not values.get("foundry") or ctx is None:
        return url
    of_environment = ctx.get_parameter_source("url") is ParameterSource.ENVIRONMENT
    return None if of_environment and not os.environ.get(_OWN_VARIABLE) else url


@click.group()
def foundry() -> None:
    """Look at Foundry Local: where it listens, and which models it has."""


_URL = click.option("--url", metavar="URL", help="Where it listens.  [default: it is looked for]")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")


@foundry.command()
@_URL
@_JSON
def status(url: str | None, as_json: bool) -> None:
    """Say where Foundry Local listens, how that was found, and what is loaded."""
    found, models = _models(url)
    loaded = [model.id for model in models if model.loaded]
    if as_json:
        _print_json(
            {
                "endpoint": found.api.root,
                "found_by": found.by,
                "api": found.api.group,
                "pid": found.api.pid,
                "loaded": loaded,
            }
        )
        return
    click.echo(f"endpoint  {found.api.root}")
    click.echo(f"found by  {found.by}")
    click.echo(f"API       {_API[found.api.group]}")
    click.echo(f"loaded    {', '.join(loaded) or 'nothing'}")


_API = {
    "server": "server (CLI 0.10, runtime 2, and newer)",
    "service": "service (up to 0.8)",
}


@foundry.command("list")
@_URL
@click.option("--all", "everything", is_flag=True, help="The whole catalog, not only this machine.")
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the listed chat models as a --models-file (JSON); never overwrites.",
)
@_JSON
def list_models(url: str | None, everything: bool, write: Path | None, as_json: bool) -> None:
    """List the models on this machine, with size, licence, device and task."""
    found, models = _models(url)
    listed = [m for m in models if everything or m.loaded or m.cached is not False]
    if write is not None:
        _write(write, [model for model in listed if model.chats], url)
    if as_json:
        _print_json([_row(model) for model in listed])
        return
    if not listed:
        click.echo(
            f"{found.api.root} has no model on this machine; --all shows the whole catalog and "
            "`foundry model download NAME` gets one",
            err=True,
        )
        return
    _print_table(listed)
    if write is not None:
        click.echo(f"written to {write}; run it: tailrace run --models-file {write}", err=True)


def _models(url: str | None) -> tuple[Found, list[CatalogModel]]:
    import os

    import anyio

    from tailrace.engine.foundry_discovery import discover
    from tailrace.scenarios import parse

    async def look() -> tuple[Found, list[CatalogModel]]:
        found = await discover(None if url is None else parse.base_url(url), os.environ)
        return found, await found.api.models()

    return anyio.run(look)


def _row(model: CatalogModel) -> dict[str, Any]:
    tags = model.tags()
    del tags["model"]
    state = {"cached": model.cached, "loaded": model.loaded}
    return {"alias": model.alias or None, "id": model.id} | tags | state


def _print_json(document: Any) -> None:
    import orjson

    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def _print_table(models: Sequence[CatalogModel]) -> None:
    from rich.console import Console
    from rich.table import Table

    from tailrace.results.render.text import safe_text

    table = Table(box=None, pad_edge=False)
    for title in ("alias", "id", "MB", "device", "runtime", "task", "licence", "state"):
        table.add_column(title, justify="right" if title == "MB" else "left", overflow="fold")
    for model in models:
        state = "loaded" if model.loaded else {True: "cached", False: "", None: "?"}[model.cached]
        size = "" if model.size_mb is None else f"{model.size_mb:g}"
        words = (model.alias, model.id, size, model.device, model.runtime, model.task)
        cells = (*words, model.license, state)
        table.add_row(*(safe_text(cell or "", 80) for cell in cells))
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def _write(path: Path, models: Sequence[CatalogModel], url: str | None) -> None:
    """A models file whose entries name their server, with what the catalog knows as tags."""
    import orjson

    if not models:
        raise UsageError(f"--write {str(path)!r}: there is no chat model to write; try --all")
    if path.suffix.lower() != ".json":
        raise UsageError(f"--write {str(path)!r} does not end like a JSON file; name it .json")
    aliases = [model.alias for model in models]
    where = {"server": "foundry"} | ({} if url is None else {"url": url})
    document = {
        model.alias if model.alias and aliases.count(model.alias) == 1 else model.id: where
        | model.tags()
        for model in models
    }
    try:
        with path.open("xb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    except FileExistsError:
        raise UsageError(f"--write {str(path)!r} is there already; name another file") from None
    except OSError as exc:
        raise UsageError(f"--write {str(path)!r} cannot be written: {exc.strerror}") from None
