"""Keys of a scenario file, made from the options of ``tailrace run``.

Rule: nothing about an option is said twice. Its long name is the key, its type and metavar say what
the key takes, its help is the description; an option that is added is a key from then on.
"""

from __future__ import annotations

import re
from typing import Any

import click

from tailrace.scenarios.keys import Form, Key

NOT_IN_FILES = frozenset({"help", "config", "show-config", "quiet", "json"})
"""Options that are about the command and not about the run."""
_NOT_NUMBERS = re.compile(r"FILE|DIR|JSON|NAME|RUN|PATH|KEY")
_TOLD = re.compile(r"\s*\[default: (.+?)\]$")


def keys_of(command: click.Command) -> dict[str, tuple[Key, click.Option]]:
    """By the key's name, in the order of the options."""
    found = {}
    for option in command.params:
        if isinstance(option, click.Option) and (name := key_name(option)) is not None:
            found[name] = key_of(option, name), option
    return found


def key_name(option: click.Option) -> str | None:
    """The first long name; None for an option that no file may set."""
    name = next((name[2:] for name in option.opts if name.startswith("--")), None)
    return None if name is None or name in NOT_IN_FILES or not option.expose_value else name


def key_of(option: click.Option, name: str) -> Key:
    """What a file may set the option to."""
    kind = option.type
    said: dict[str, Any] = {
        "name": name,
        "about": about(option),
        "many": option.multiple,
        "default": _default(option),
    }
    if option.is_flag:
        return Key(kind="flag", **said)
    if isinstance(kind, click.Choice):
        return Key(kind="choice", choices=tuple(map(str, kind.choices)), **said)
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        said |= {"least": kind.min, "most": kind.max, "above_least": kind.min_open}
    if isinstance(kind, click.types.IntParamType):
        return Key(kind="integer", **said)
    if isinstance(kind, click.types.FloatParamType):
        return Key(kind="number", **said)
    hint = option.metavar or ""
    return Key(kind="text", hint=hint, forms=_forms(hint), **said)


def _forms(hint: str) -> frozenset[Form]:
    """What a text with this metavar may be besides: ``30`` for TIME, ``[1, 2]`` for N[,N…]."""
    forms: set[Form] = set()
    if hint and not _NOT_NUMBERS.search(hint):
        forms.add("number")
    if "[," in hint or ",…" in hint:
        forms.add("list")
    if hint == "JSON":
        forms.add("object")
    return frozenset(forms)


def about(option: click.Option) -> str:
    """Its help, without the default that it tells."""
    return _TOLD.sub("", option.help or "").strip()


def told_default(option: click.Option) -> str | None:
    """The default that only the help tells, since it depends on other options."""
    told = _TOLD.search(option.help or "")
    return None if told is None else told[1]


def _default(option: click.Option) -> str | int | float | bool | None:
    """As it stands in the option or its help; None where there is none to write down."""
    default = option.default
    if isinstance(default, (str, int, float)):
        return default
    told = told_default(option)
    return told if told is not None and re.fullmatch(r"[0-9]+[a-z]*", told) else None
