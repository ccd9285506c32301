"""Option: how an option of ``tailrace run`` is declared, with the variables that set it too.

``--max-tokens`` is ``TAILRACE_MAX_TOKENS``, and whatever else ``env`` names, the first that is set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

Command = Callable[..., Any]
LINES = r"[\r\n]+"
COMMAS = r"[,\s]+"
BLANKS = r"\s+"


class Listed(click.Option):
    """An option that can be given several times; ``separator`` splits it in a variable.

    click would split at every space, and tear prompts and headers apart.
    """

    def __init__(self, *args: Any, separator: str | None = LINES, **attributes: Any) -> None:
        """``separator`` is a pattern; None takes the variable as one value."""
        super().__init__(*args, **attributes)
        self._separator = separator

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """The parts that are not empty; see click."""
        text = self.resolve_envvar_value(ctx)
        if text is None or self._separator is None:
            return text if text is None else (text,)
        return tuple(part.strip() for part in re.split(self._separator, text) if part.strip())


class Times(click.Option):
    """A number of times that a variable may also give as a word: true is once, false not at all."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """See click; a word becomes its number."""
        text = self.resolve_envvar_value(ctx)
        return None if text is None else _TIMES.get(text.strip().lower(), text)


_TIMES = {"true": "1", "yes": "1", "on": "1", "false": "0", "no": "0", "off": "0"}


def option(*names: str, env: Sequence[str] = (), **attributes: Any) -> Callable[[Command], Command]:
    """A click option with its environment variables."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "TAILRACE_" + long[2:].upper().replace("-", "_")
    if attributes.get("multiple"):
        attributes.setdefault("cls", Listed)
    return click.option(*names, envvar=[variable, *env], show_envvar=True, **attributes)
