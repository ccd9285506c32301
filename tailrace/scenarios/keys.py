"""Keys: what a scenario file may say, key by key, and what each key takes. Pure.

A key is an option of ``tailrace run`` in words that are not the command line's: the command line
makes the keys from its own options, so that a new option is a new key without another line here.

Rule: what a key takes is said in one phrase, the same in every error message and in the schema.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["flag", "integer", "number", "choice", "text"]
Form = Literal["number", "list", "object"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key; ``forms`` are what a text may be written as besides."""

    name: str
    kind: Kind
    about: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    above_least: bool = False
    """``least`` itself is too little."""
    many: bool = False
    """Whether it may hold several values, in a list."""
    forms: frozenset[Form] = frozenset()
    hint: str = ""
    """How a text is to be written: ``TIME``, ``N[,N…]``."""
    default: str | int | float | bool | None = None

    @property
    def takes(self) -> str:
        """What it takes, as the end of a sentence."""
        one = self._takes_one()
        return f"{one}, or a list of them" if self.many else one

    def _takes_one(self) -> str:
        if self.kind == "flag":
            return "true or false"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind in ("integer", "number"):
            return ("a whole number" if self.kind == "integer" else "a number") + self._range()
        forms = ["a text", *(_FORMS[form] for form in _FORMS if form in self.forms)]
        said = " or ".join(forms) if len(forms) < 3 else ", ".join(forms[:-1]) + f" or {forms[-1]}"
        return f"{said} ({self.hint})" if self.hint else said

    def _range(self) -> str:
        if self.least is not None and self.most is not None:
            return f" from {self.least:g} to {self.most:g}"
        if self.least is not None:
            return f" above {self.least:g}" if self.above_least else f" of {self.least:g} or more"
        return "" if self.most is None else f" of {self.most:g} or less"

    def read(self, value: Any) -> Any:
        """The value as the option takes it; raises ValueError where it is nothing for this key."""
        if not self.many:
            return self._read_one(value)
        return [self._read_one(each) for each in (value if isinstance(value, list) else [value])]

    def _read_one(self, value: Any) -> Any:
        if self.kind == "flag" and isinstance(value, bool):
            return value
        if self.kind == "choice" and isinstance(value, str) and value in self.choices:
            return value
        if self.kind == "integer" and type(value) is int and self._within(value):
            return value
        if self.kind == "number" and _is_number(value) and self._within(value):
            return float(value)
        if self.kind == "text":
            return self._text(value)
        raise ValueError(self.name)

    def _within(self, value: float) -> bool:
        if self.least is not None and value < self.least:
            return False
        if self.above_least and value == self.least:
            return False
        return self.most is None or value <= self.most

    def _text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if "number" in self.forms and _is_number(value):
            return decimal(value)
        if "list" in self.forms and isinstance(value, list) and value:
            return ",".join(_list_item(each) for each in value)
        if "object" in self.forms and isinstance(value, dict):
            import orjson

            return orjson.dumps(value).decode()
        raise ValueError(self.name)


_FORMS: Mapping[Form, str] = {"number": "a number", "list": "a list", "object": "a table"}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _list_item(value: Any) -> str:
    if isinstance(value, str):
        return value
    if _is_number(value):
        return decimal(value)
    raise ValueError(value)


def decimal(value: float) -> str:
    """A number as plain digits, without an exponent."""
    from decimal import Decimal

    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value: Any) -> str:
    """What stands in a file, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:60] + "…"


def nearest(name: str, known: Sequence[str]) -> str:
    """``; did you mean 'x'?`` for a name that is nearly a known one, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
