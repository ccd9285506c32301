"""``tailrace run --show-config``: every option's value and where it comes from; nothing is sent.

Rule: a secret is named and never shown: keys, header values, and what stands under a name like one
in an extra body.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from tailrace.commands.file import file_of, replaced, variable_of
from tailrace.commands.keys import key_name, told_default
from tailrace.errors import UsageError
from tailrace.hidden import HIDDEN

KEY_VARIABLES = ("TAILRACE_API_KEY", "OPENAI_API_KEY", "API_KEY")
"""Where the API key is looked for, the first that is set."""


def key_variable() -> str | None:
    """The variable that the API key is taken from where no file is named for it."""
    return next((name for name in KEY_VARIABLES if os.environ.get(name)), None)


class Setting(NamedTuple):
    """One line of the answer."""

    option: str
    value: str
    source: str


class Variable(NamedTuple):
    """An environment variable that is read, and what it sets."""

    name: str
    option: str
    state: str


def settings(ctx: click.Context, values: dict[str, Any]) -> Iterator[Setting]:
    """Every option, in the order of the help; ``values`` are as they were given."""
    found = file_of(ctx)
    levels = None if found is None or not found.levels else found.levels
    gone = replaced(ctx, values | {"levels": levels})
    if found is not None:
        yield Setting("scenario", found.located.name, _source_of_file(ctx))
    for option in ctx.command.params:
        name = option.name or ""
        if not isinstance(option, click.Option) or key_name(option) is None:
            continue
        beaten = f", not used: {_spelled(gone[name])} is stronger" if name in gone else ""
        value = values[name]
        text = told_default(option) if value is None else None
        yield Setting(_long(option), text or _shown(name, value), _source(ctx, option) + beaten)
    if found is not None and levels:
        beaten = f", not used: {_spelled(gone['levels'])} is stronger" if "levels" in gone else ""
        for index, level in enumerate(levels):
            text = ", ".join(f"{name}={value}" for name, value in level.items())
            yield Setting(f"levels[{index + 1}]", text, found.level_where(index) + beaten)
    variable = key_variable()
    if variable is not None and values.get("api_key_file") is None:
        yield Setting("API key", HIDDEN, variable)


def variables(ctx: click.Context) -> Iterator[Variable]:
    """Every variable that is read, the strongest of an option first."""
    for option in ctx.command.params:
        if isinstance(option, click.Option) and option.envvar:
            names = [option.envvar] if isinstance(option.envvar, str) else option.envvar
            used = variable_of(option)
            for name in names:
                yield Variable(name, _long(option), _state(ctx, option, name, used))
    used = key_variable()
    for name in KEY_VARIABLES:
        state = "used" if name == used else "set, not used" if os.environ.get(name) else "not set"
        yield Variable(name, "the API key", state)


def _state(ctx: click.Context, option: click.Option, name: str, used: str | None) -> str:
    if not os.environ.get(name):
        return "not set"
    source = ctx.get_parameter_source(option.name or "")
    by_variable = source is ParameterSource.ENVIRONMENT or not option.expose_value
    return "used" if name == used and by_variable else "set, not used"


def _source(ctx: click.Context, option: click.Option) -> str:
    source, found = ctx.get_parameter_source(option.name or ""), file_of(ctx)
    if source is ParameterSource.COMMANDLINE:
        return "flag"
    if source is ParameterSource.ENVIRONMENT:
        return variable_of(option) or "environment"
    if source is ParameterSource.DEFAULT_MAP and found is not None:
        return found.where(key_name(option) or "")
    return "default"


def _source_of_file(ctx: click.Context) -> str:
    if ctx.get_parameter_source("scenario") is ParameterSource.COMMANDLINE:
        return "argument"
    by_flag = ctx.get_parameter_source("config") is ParameterSource.COMMANDLINE
    return "--config" if by_flag else "TAILRACE_CONFIG"


def _long(option: click.Option) -> str:
    return next((name for name in option.opts if name.startswith("--")), option.opts[0])


def _spelled(name: str) -> str:
    return "levels" if name == "levels" else "--" + name.replace("_", "-")


def _shown(name: str, value: Any) -> str:
    if value is None or value in ((), []):
        return "none"
    if name == "headers":
        return ", ".join(f"{text.partition(':')[0]}: {HIDDEN}" for text in value)
    if name == "adapter_options":
        return ", ".join(map(_adapter_option, value))
    if name == "extra_body":
        return _body(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return str(value)


def _adapter_option(text: str) -> str:
    """An option as typed; hidden where the run would refuse it, for a secret or whatever else."""
    from tailrace.scenarios.adapters import adapter_options

    try:
        adapter_options((text,))
    except UsageError:
        return f"{text.partition('=')[0]}={HIDDEN}"
    return text


def _body(text: str) -> str:
    """An extra body with what sounds like a secret hidden; all of it where it is no JSON."""
    import orjson

    from tailrace.results.render.about import flat

    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "(not JSON)"
    return (
        ", ".join(f"{key}={value}" for key, value in flat(body)) if isinstance(body, dict) else text
    )


def show(ctx: click.Context, values: dict[str, Any], as_json: bool) -> None:
    """Print it all."""
    rows, known = list(settings(ctx, values)), list(variables(ctx))
    if as_json:
        import orjson

        document = {
            "settings": [row._asdict() for row in rows],
            "variables": [row._asdict() for row in known],
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    _table(("option", "value", "from"), rows)
    click.echo()
    _table(("variable", "sets", ""), known)


def _table(head: tuple[str, ...], rows: list[Any]) -> None:
    """Columns as wide as their widest cell; the middle one may be any length."""
    lines = [head, *rows]
    first, second = (min(max(len(line[at]) for line in lines), 44) for at in (0, 1))
    for line in lines:
        value = " ".join(line[1].split())
        value = value if len(value) <= 200 else value[:200] + "…"
        click.echo(f"{line[0]:<{first}}  {value:<{second}}  {line[2]}".rstrip())
