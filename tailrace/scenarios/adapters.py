"""Adapters: Python objects that generate, measured as models. How one is named and what it is told.

An adapter is ``module:Class``, looked up with the current folder on the path, or the name of an
entry point of the group ``tailrace.adapters``. It runs in a process of its own (``adapter_host``),
which gets its orders in one environment variable: arguments could be read by other users. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import orjson

from tailrace.errors import UsageError
from tailrace.plugins import plugin_names
from tailrace.scenarios.model_entry import filled_in, variables
from tailrace.scenarios.model_fields import secret_in

GROUP: Literal["tailrace.adapters"] = "tailrace.adapters"
VARIABLE = "TAILRACE_ADAPTER_ORDERS"
"""Environment variable with the orders of a host."""

_NAME = r"[^\W\d]\w*"
_PLACE = re.compile(rf"{_NAME}(?:\.{_NAME})*:{_NAME}(?:\.{_NAME})*")
_OPTION = re.compile(_NAME)


class Orders(msgspec.Struct):
    """What a host is to load and how it is asked."""

    adapter: str
    token: str
    """Bearer token of every request, so that no other process uses or replaces it unnoticed."""
    weights: str | None = None
    options: dict[str, Any] = {}


def is_place(adapter: str) -> bool:
    """Whether it is ``module:Class``, and not an entry point's name."""
    return ":" in adapter


def adapter_name(text: str, what: str = "--adapter") -> str:
    """An adapter as typed; raises UsageError when it cannot be one."""
    name = text.strip()
    if not name or (is_place(name) and not _PLACE.fullmatch(name)):
        raise UsageError(
            f"{what} {text!r} is not an adapter; write module:Class, or the name that an installed "
            "package gives it"
        )
    return name


def is_known(adapter: str) -> bool:
    """Whether there may be such an adapter; what a place holds is seen when it is loaded."""
    return is_place(adapter) or adapter in plugin_names(GROUP)


def no_such_adapter(name: str) -> str:
    """The sentence for a name that no installed package has."""
    known = ", ".join(map(repr, plugin_names(GROUP))) or "none"
    return (
        f"adapter {name!r} is in no installed package (there are: {known}); install one, or write "
        "module:Class"
    )


def adapter_options(texts: tuple[str, ...], what: str = "--adapter-option") -> dict[str, Any]:
    """``key=value`` texts as arguments of ``load``; a value that is no JSON is a text."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not _OPTION.fullmatch(name):
            raise UsageError(f"{what} {_short(text)} is not key=value, like threads=4")
        if name in found:
            raise UsageError(f"{what} gives {name!r} twice; leave one out")
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
        if (hidden := plain_secret(name, value) or plain_secret(name, found[name])) is not None:
            raise UsageError(
                f"{what} holds what looks like a secret ({hidden}) and would be kept in run.json; "
                f"write '{hidden}=${{NAME}}' and set NAME in the environment"
            )
    return found


def filled_options(options: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The options with each ``${NAME}`` replaced; raises KeyError of a name that is not set."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(part) for name, part in value.items()}
        if isinstance(value, list):
            return [filled(part) for part in value]
        return filled_in(value, environment) if isinstance(value, str) else value

    return {name: filled(value) for name, value in options.items()}


def plain_secret(name: str, value: Any) -> str | None:
    """The name of a secret in an option that does not come from the environment."""
    if isinstance(value, dict):
        return next(filter(None, (plain_secret(str(k), part) for k, part in value.items())), None)
    if isinstance(value, list):
        return next(filter(None, (plain_secret("", part) for part in value)), None)
    return None if isinstance(value, str) and variables(value) else secret_in(name, value)


def _short(text: str) -> str:
    return repr(text.partition("=")[0][:40])
