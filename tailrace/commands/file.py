"""Scenario files on the command line: ``tailrace run FILE``, ``--config FILE``, ``catalog:NAME``.

Precedence: a flag beats an environment variable beats the file beats the default. Where options
exclude each other, the stronger source's choice takes the others' place, so that a file's load can
be replaced by a flag.

Rule: whatever is wrong with a value that came from the file or from a variable, however late it is
found, is said with the file's line or the variable's name.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tailrace.commands.keys import keys_of
from tailrace.errors import UsageError
from tailrace.scenarios.files import read_text

if TYPE_CHECKING:
    from tailrace.scenarios.scenario_file import ScenarioFile

_META = "tailrace.scenario_file"
_RANK = {
    ParameterSource.COMMANDLINE: 3,
    ParameterSource.ENVIRONMENT: 2,
    ParameterSource.DEFAULT_MAP: 1,
}
EXCLUSIVE = (
    ("concurrency", "rate", "replay", "trace", "levels"),
    ("duration", "requests"),
    ("prompts", "prompts_file", "input_tokens", "sessions", "turns"),
)
"""Parameters of which the one from the strongest source counts."""
_OF_USERS, _OF_RATES = ("think_time",), ("max_in_flight", "burstiness")
_MISFITS = {"concurrency": _OF_RATES, "rate": _OF_USERS, "replay": _OF_USERS, "trace": _OF_USERS}
"""What a load has no use for."""


def read_scenario(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Callback of SCENARIO and ``--config``: the file's values become the options' defaults."""
    if value is None:
        return
    earlier, source = file_of(ctx), ctx.get_parameter_source(param.name or "")
    if earlier is not None:
        if source is ParameterSource.ENVIRONMENT:
            return  # what was typed beats TAILRACE_CONFIG
        raise UsageError(f"two scenario files, {earlier.located.name!r} and {value!r}; give one")
    what = "--config" if param.name == "config" else "scenario"
    found = _read(ctx.command, value, what)
    ctx.meta[_META] = found
    keys = keys_of(ctx.command)
    ctx.default_map = {keys[name][1].name or "": entry for name, entry in found.values.items()}


def file_of(ctx: click.Context) -> ScenarioFile | None:
    """The scenario file of this command line, if there is one."""
    found: ScenarioFile | None = ctx.meta.get(_META)
    return found


def _read(command: click.Command, value: str, what: str) -> ScenarioFile:
    from tailrace.scenarios import catalog
    from tailrace.scenarios.located import located
    from tailrace.scenarios.scenario_file import scenario_file

    if value.startswith(catalog.PREFIX):
        name, text = catalog.file_name(value), catalog.text_of(value)
    else:
        ready = "; `tailrace init` writes one, `tailrace catalog` lists ready ones"
        name, text = value, read_text(value, what, mend=ready, encoding="utf-8-sig")
    keys = {name: key for name, (key, _) in keys_of(command).items()}
    return scenario_file(located(text, name), keys)


def settled(ctx: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    """The values with ``levels``, and without those that a stronger source has replaced."""
    found = file_of(ctx)
    levels = () if found is None else found.levels
    settled = values | {"levels": levels or None}
    for name in replaced(ctx, settled):
        settled[name] = () if isinstance(settled[name], tuple) else None
    if settled["levels"]:
        settled["levels"] = [_whole_level(ctx, settled, level) for level in levels]
    return settled


def rank(ctx: click.Context, name: str) -> int:
    """How strong the source of a parameter is; ``levels`` can only be a file's."""
    if name == "levels":
        return 1
    return _RANK.get(ctx.get_parameter_source(name) or ParameterSource.DEFAULT, 0)


def replaced(ctx: click.Context, values: dict[str, Any]) -> dict[str, str]:
    """Parameters that do not count, each with the one that took its place."""
    gone: dict[str, str] = {}
    for group in EXCLUSIVE:
        given = [name for name in group if values.get(name) not in (None, ())]
        if not given:
            continue
        winner = max(given, key=lambda name: rank(ctx, name))
        strength = rank(ctx, winner)
        gone |= {name: winner for name in given if rank(ctx, name) < strength}
        if winner in _MISFITS:
            gone |= {
                name: winner
                for name in _useless(winner, values[winner])
                if values.get(name) is not None and rank(ctx, name) < strength
            }
    return gone


def _useless(load: str, value: Any) -> tuple[str, ...]:
    """What a load has no use for; a rate whose phases all last has none for a duration."""
    lasts = load == "rate" and _lasts(value)
    return (*_MISFITS[load], "duration") if lasts else _MISFITS[load]


def _lasts(rate: str) -> bool:
    from tailrace.scenarios.rates import parse_rates

    try:
        levels = parse_rates(rate)
    except UsageError:
        return False  # which is said when the level is made
    return all(phase.duration_s is not None for phases in levels for phase in phases)


def _whole_level(ctx: click.Context, values: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A level of the file with what it takes over from outside it.

    A flag or variable beats the level; the file's other keys fill what it leaves open, where they
    fit its kind of load.
    """
    from tailrace.scenarios.scenario_file import LEVEL_NAMES, LOADS

    level = {name.replace("-", "_"): value for name, value in own.items()}
    outer = {name.replace("-", "_") for name in LEVEL_NAMES}
    strong = {name: values[name] for name in outer if name in values and rank(ctx, name) > 1}
    empty = dict.fromkeys(LOADS)
    bounds = ("duration", "requests")
    if any(strong.get(name) is not None for name in bounds):
        empty |= dict.fromkeys(bounds)
        level = {name: value for name, value in level.items() if name not in bounds}
    elif any(name in level for name in bounds):
        empty |= dict.fromkeys(bounds)
    load = next(name for name in LOADS if name in level)
    misfits = _useless(load, level[load])
    empty |= {name: None for name in misfits if name in values and name not in strong}
    return empty | level | strong


@contextlib.contextmanager
def located_errors(ctx: click.Context) -> Iterator[None]:
    """Say where the value came from that a UsageError is about."""
    try:
        yield
    except UsageError as exc:
        place = _place(ctx, str(exc))
        if place is None:
            raise
        raise UsageError(f"{place}: {exc}") from None


def _place(ctx: click.Context, message: str) -> str | None:
    found = file_of(ctx)
    mentioned = tuple(re.findall(r"--([a-z][a-z-]*[a-z])", message))
    level = re.match(r"level (\d+): ", message)
    if found is not None and level is not None:
        return found.level_where(int(level[1]) - 1, mentioned)
    options = keys_of(ctx.command)
    for name in mentioned:
        if name in options:
            source = ctx.get_parameter_source(options[name][1].name or "")
            if source is ParameterSource.DEFAULT_MAP and found is not None:
                return found.where(name)
            if source is ParameterSource.ENVIRONMENT:
                return variable_of(options[name][1])
    return None


def variable_of(option: click.Option) -> str | None:
    """The environment variable that an option's value is taken from."""
    names = [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
    return next((name for name in names if os.environ.get(name)), None)
