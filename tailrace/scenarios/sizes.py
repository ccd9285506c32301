"""Sizes: how many tokens requests ask with or for, as a distribution. Pure.

What users type is ``512``, ``fixed:512``, ``normal:MEAN,SD``, ``lognormal:MEDIAN,SIGMA`` (sigma of
the natural logarithm), ``uniform:LOW,HIGH`` or ``file:lengths.csv``, with ``,min=N`` and ``,max=N``
behind it. A draw outside the bounds becomes the bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from tailrace.errors import UsageError
from tailrace.scenarios.parse import MOST_TOKENS

if TYPE_CHECKING:
    from statistics import NormalDist

Kind = Literal["fixed", "normal", "lognormal", "uniform", "file"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_EXAMPLES = (
    "write it like 512, normal:512,64 or lognormal:512,0.5,min=16,max=4096, uniform:100,200 or "
    "file:lengths.csv"
)


@cache
def _standard() -> NormalDist:
    from statistics import NormalDist  # 3 ms that only a run with sizes needs

    return NormalDist()


@dataclass(frozen=True, slots=True)
class Sizes:
    """A distribution of token counts; ``draw`` gives one for a chance between 0 and 1."""

    kind: Kind
    first: float = 0.0
    """The fixed size, the mean, the median, or the lowest."""
    second: float = 0.0
    """The standard deviation, the sigma of the logarithm, or the highest."""
    least: int = 1
    most: int = MOST_TOKENS
    path: str = ""

    def draw(self, at: float, values: Sequence[int] = ()) -> int:
        """The size at that chance, by the inverse of the distribution; ``values`` are a file's."""
        if self.kind == "file":
            size: float = values[int(at * len(values))]
        elif self.kind == "uniform":
            size = self.first + math.floor(at * (self.second - self.first + 1))
        elif self.kind == "normal":
            size = self.first + self.second * _standard().inv_cdf(at)
        elif self.kind == "lognormal":
            size = self.first * math.exp(min(700.0, self.second * _standard().inv_cdf(at)))
        else:
            size = self.first
        return round(min(max(size, self.least), self.most))

    def stream(self, what: str) -> str:
        """The dice's stream: sizes of one file stay together, others are drawn apart."""
        return f"file:{self.path}" if self.kind == "file" else what


def parse_sizes(text: str, what: str) -> Sizes:
    """What was typed behind the option ``what``; raises UsageError."""
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        kind, rest = "fixed", kind
    rest, bounds = _bounds(rest, text, what)
    if kind == "file":
        if not rest:
            raise UsageError(f"{what} {text!r} names no file; write it like file:lengths.csv")
        return Sizes("file", **bounds, path=rest)
    parts = [part.strip() for part in rest.split(",")]
    wanted = {"fixed": 1, "normal": 2, "lognormal": 2, "uniform": 2}.get(kind)
    if wanted is None or len(parts) != wanted or not all(map(_NUMBER.fullmatch, parts)):
        raise UsageError(f"{what} {text!r} is no distribution of token counts; {_EXAMPLES}")
    first, second = float(parts[0]), float(parts[-1]) if wanted == 2 else 0.0
    if not 1 <= first <= MOST_TOKENS or second > MOST_TOKENS:
        raise UsageError(f"{what} {text!r} is out of range: sizes are from 1 to {MOST_TOKENS}")
    if kind == "uniform" and second < first:
        raise UsageError(f"{what} {text!r} ends before it begins; write uniform:LOW,HIGH")
    return Sizes(kind, first, second, **bounds)  # type: ignore[arg-type]


def _bounds(rest: str, text: str, what: str) -> tuple[str, dict[str, int]]:
    """Take ``,min=`` and ``,max=`` off the end."""
    found: dict[str, int] = {}
    while match := re.fullmatch(r"(.*?),\s*(min|max)=([^,]*)", rest):
        rest, name, number = match.groups()
        if not re.fullmatch(r"\d{1,8}", number.strip()) or not 1 <= int(number) <= MOST_TOKENS:
            raise UsageError(f"{what} {text!r}: {name}={number} is no size from 1 to {MOST_TOKENS}")
        found[{"min": "least", "max": "most"}[name]] = int(number)
    if found.get("least", 1) > found.get("most", MOST_TOKENS):
        raise UsageError(f"{what} {text!r} has a min above its max")
    return rest, found


def sizes_listed(text: str, where: str, column: str) -> tuple[int, ...]:
    """Sizes one a line, or those of ``column`` of a CSV with a header. ``where`` names the file.

    Raises UsageError naming the line.
    """
    lines = [line.split(",") for line in text.splitlines()]
    header = [cell.strip() for cell in lines[0]] if lines else []
    place, begin = 0, 0
    if header and not header[0].isdecimal():
        if column not in header and len(header) > 1:
            raise UsageError(
                f"{where} line 1 names no column {column!r}; it has {', '.join(header)}"
            )
        place, begin = header.index(column) if column in header else 0, 1
    elif len(header) > 1:
        raise UsageError(
            f"{where} line 1 has {len(header)} fields and no names; begin with a line like "
            "input_tokens,output_tokens"
        )
    found = []
    for number, cells in enumerate(lines[begin:], begin + 1):
        if cells == [""]:
            continue
        cell = cells[place].strip() if place < len(cells) else ""
        if not re.fullmatch(r"\d{1,8}", cell) or not 1 <= int(cell) <= MOST_TOKENS:
            raise UsageError(
                f"{where} line {number}: {cell!r} is no token count from 1 to {MOST_TOKENS}"
            )
        found.append(int(cell))
    if not found:
        raise UsageError(f"{where} holds no token counts; write one a line")
    return tuple(found)
