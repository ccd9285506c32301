"""Options of ``tailrace run`` about its queue: ``--models-file``, and ``--resume``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from tailrace.commands import adapters, fleet, foundry, own_metrics
from tailrace.commands.file import settled
from tailrace.commands.option import Command, option
from tailrace.errors import UsageError
from tailrace.hidden import hide_headers
from tailrace.scenarios import parse
from tailrace.scenarios.files import read_text
from tailrace.scenarios.model_entry import ModelEntry

if TYPE_CHECKING:
    from tailrace.scenarios.models_file import Headers, Models


OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--models-file",
        metavar="FILE",
        help="Queue of models with their tags, URLs or server commands (JSON, YAML or TOML); "
        "--model then picks from it by alias.",
    ),
    click.option(
        "--resume",
        metavar="RUN",
        help="Go on with a run folder that was killed or interrupted; all but keys and headers "
        "comes from its run.json.",
    ),
)

_NOT_KEPT = frozenset(
    {"headers", "api_key_file", "judge_key_file", "resume", "reach", *own_metrics.NAMES}
)
"""Secret, or not part of what is run."""
_FROM_USER = (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP)


class Queue(NamedTuple):
    """Which models, where, and what only some of them are sent."""

    names: tuple[str, ...]
    base_url: str
    """Empty where every model has a URL of its own."""
    entries: tuple[ModelEntry, ...] = ()
    headers: Mapping[str, Headers] = {}

    def asking(self) -> dict[str, Any]:
        """Fields of the scenario."""
        return {"base_url": self.base_url, "models": self.names, "entries": self.entries}


def queue(values: Mapping[str, Any]) -> Queue:
    """The models that the options name; raises UsageError."""
    given = values["models"]
    if not all(model.strip() for model in given):
        raise UsageError("--model must not be empty; give the id that the server lists")
    url = foundry.url_of(values)
    base_url = "" if url is None else parse.base_url(url)
    path, added = values.get("models_file"), adapters.entries(values)
    if path is None and added:
        return _beside(given, base_url, added, bool(values.get("foundry")))
    if path is None:
        _require(values)
        return Queue(tuple(given), base_url)
    models = read_models(path)
    if tuple(given) not in ((), ("ALL",)):
        from tailrace.scenarios.models_file import picked

        models = picked(models, given, path)
    for entry in models.entries:
        if not (base_url or entry.url or entry.is_started or entry.server or values.get("foundry")):
            raise UsageError(
                f"--url is missing, and model {entry.alias!r} of {path} has neither a 'url' nor a "
                "'serve' nor an 'adapter' of its own, nor \"server\": \"foundry\""
            )
    return _queue((*models.entries, *added), base_url, models.headers)


def _beside(
    given: Sequence[str], base_url: str, added: tuple[ModelEntry, ...], foundry: bool
) -> Queue:
    """Models of the server, if any are named, and what is beside them."""
    if given and not base_url and not foundry:
        raise UsageError(
            "--model names a model of a server, and there is no --url; leave --model out, for an "
            "--adapter has its own name"
        )
    if {"auto", "ALL"} & set(given):
        raise UsageError("--model auto and ALL cannot stand beside an --adapter; name the models")
    return _queue((*(ModelEntry(name, name) for name in given), *added), base_url)


def _queue(
    entries: tuple[ModelEntry, ...], base_url: str, headers: Mapping[str, Headers] | None = None
) -> Queue:
    names = tuple(entry.alias for entry in entries)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            f"two models are called {twice!r}; give one another alias in a models file"
        )
    return Queue(names, base_url, entries, headers or {})


def _require(values: Mapping[str, Any]) -> None:
    if values["url"] is None and not values.get("foundry"):
        raise UsageError("--url is missing; give the base URL of the API, or --foundry")
    if not values["models"]:
        raise UsageError("--model is missing; give the model's id, auto or ALL, or a --models-file")


def read_models(path: str) -> Models:
    """What a models file says; raises UsageError naming the file, the line and the field."""
    from tailrace.scenarios.located import located
    from tailrace.scenarios.models_file import models_of

    text = read_text(path, "--models-file", encoding="utf-8-sig")
    models = models_of(located(text, path), os.environ)
    for headers in models.headers.values():
        hide_headers(headers)
    return models


def kept_options(values: Mapping[str, Any], secret: Headers) -> dict[str, Any]:
    """The options as ``run.json`` keeps them, so that a resumption can be held against them.

    Of what is secret only the names of the headers are kept.
    """
    kept = {name: _kept(name, value) for name, value in values.items() if name not in _NOT_KEPT}
    return kept | {"headers": [name for name, _ in secret]}


def _kept(name: str, value: Any) -> Any:
    """A value as it is kept: a single URL as a text, as runs of one URL have always had it."""
    if name == "url" and isinstance(value, (tuple, list)) and len(value) < 2:
        return value[0] if value else None
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def require_same(ctx: click.Context, kept: Mapping[str, Any], run: str) -> None:
    """Refuse a flag, or a key of the config file, that is not what the run has.

    Environment variables are left alone: they are there for every command. Of a models file counts
    what is in it; see ``headers_again``.
    """
    given = settled(ctx, dict(ctx.params))
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name in ("headers", "models_file", *fleet.WHERE) or name not in kept:
            continue
        if name == "workers" and given.get("fleet") is not None:
            continue  # as many as that cluster has room for
        value = _kept(name, given.get(name))
        if ctx.get_parameter_source(name) in _FROM_USER and value != kept[name]:
            shown = "none" if kept[name] is None else repr(kept[name])
            flag = max(parameter.opts, key=len)
            raise UsageError(
                f"{flag} {value!r} contradicts {run!r}, which was run with {shown}; leave it out"
            )


def headers_again(
    values: Mapping[str, Any], kept: Mapping[str, Any], scenario: Any, secret: Headers, run: str
) -> dict[str, Headers]:
    """The headers of single models, from the models file given again.

    Raises UsageError when a header that the run sent is missing, or the file says something else.
    """
    given = {name.lower() for name, _ in secret}
    for name in kept.get("headers", ()):
        if name.lower() not in given:
            how = "--header" if name in scenario.header_names else "OPENAI_API_KEY"
            raise UsageError(
                f"{run!r} sent the header {name!r}, whose value is in no file; give it again with "
                f"{how}"
            )
    path = values.get("models_file")
    if path is not None:
        return _same_models(path, not kept.get("models"), scenario, run)
    for entry in scenario.entries:
        if entry.header_names:
            raise UsageError(
                f"{run!r} sent headers to {entry.alias!r} whose values are in no file; give its "
                "--models-file again"
            )
    return {}


def _same_models(path: str, whole: bool, scenario: Any, run: str) -> dict[str, Headers]:
    """The headers of a models file; raises UsageError when it is not the run's any more."""
    models = read_models(path)
    mend = "leave --models-file out, or give the one of that run"
    if not scenario.entries:
        raise UsageError(f"--models-file {path!r}: {run!r} was run without one; leave it out")
    now = {entry.alias: entry for entry in models.entries}
    for entry in scenario.entries:
        if now.get(entry.alias) != entry:
            raise UsageError(f"{path}: model {entry.alias!r} is not as {run!r} has it; {mend}")
    more = [alias for alias in now if alias not in scenario.models]
    if whole and more:
        raise UsageError(f"{path}: model {more[0]!r} is not in {run!r}; {mend}")
    return {name: headers for name, headers in models.headers.items() if name in scenario.models}
