"""Grid: columns of plain text packed into as few blocks as a width allows. Pure.

Rule: a cell is never cut. What does not fit beside the rest goes into the next block, which
repeats the first column; groups stay together unless one alone is wider than the screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

GAP = 2
GROUP_GAP = 3


@dataclass(frozen=True, slots=True)
class Strip:
    """One column as text: its cells are right-aligned in ``width``; ``lead`` spaces come before."""

    group: str
    title: str
    cells: tuple[str, ...]
    width: int
    lead: int = 0
    bad: bool = False


def strip(group: str, title: str, cells: Iterable[str], bad: bool = False) -> Strip:
    """A column as wide as its widest cell."""
    kept = tuple(cells)
    return Strip(group, title, kept, max(map(len, (title, *kept))), bad=bad)


def pack(strips: Sequence[Strip], width: int) -> list[list[Strip]]:
    """Blocks in order, each starting with the first strip and no wider than ``width``.

    As few as the width allows, and then as narrow as their number allows, so that two blocks are
    two halves and not one long line and a rest.
    """
    fewest = _filled(strips, width)
    groups = [list(members) for _, members in groupby(strips[1:], key=lambda entry: entry.group)]
    widest = max((strips[0].width + _length(_widened(group)) for group in groups), default=width)
    for narrower in range(widest, width):
        blocks = _filled(strips, narrower)
        if len(blocks) == len(fewest):
            return blocks
    return fewest


def _filled(strips: Sequence[Strip], width: int) -> list[list[Strip]]:
    key, rest = strips[0], strips[1:]
    blocks: list[list[Strip]] = []
    current = [key]
    for _, members in groupby(rest, key=lambda entry: entry.group):
        for unit in _units(_widened(list(members)), width - key.width):
            if _length(current) + _length(unit) > width and len(current) > 1:
                blocks.append(current)
                current = [key]
            current += unit
    return [*blocks, current]


def _units(group: list[Strip], room: int) -> list[list[Strip]]:
    """The group whole, or strip by strip when it does not even fit alone."""
    if _length(group) <= room:
        return [group]
    return [_widened([replace(entry, lead=GROUP_GAP)]) for entry in group]


def _widened(group: list[Strip]) -> list[Strip]:
    """Strips with their leads, the first wide enough for the group's name to stand above."""
    leads = [GROUP_GAP] + [GAP] * (len(group) - 1)
    led = [replace(entry, lead=lead) for entry, lead in zip(group, leads, strict=True)]
    missing = len(group[0].group) - (_length(led) - GROUP_GAP)
    return [replace(led[0], width=led[0].width + max(missing, 0)), *led[1:]]


def _length(strips: Iterable[Strip]) -> int:
    return sum(entry.lead + entry.width for entry in strips)


def group_line(block: Sequence[Strip]) -> str:
    """The names of the groups, each ruled out to the width of its columns."""
    parts = []
    for name, members in groupby(block, key=lambda entry: entry.group):
        strips = list(members)
        room = _length(strips) - strips[0].lead
        ruled = name if room - len(name) < 2 else f"{name} {'-' * (room - len(name) - 1)}"
        parts.append(" " * strips[0].lead + (ruled if name else "").ljust(room))
    return "".join(parts).rstrip()


def title_line(block: Sequence[Strip]) -> str:
    """The titles of the columns."""
    return "".join(" " * s.lead + s.title.rjust(s.width) for s in block)


def cells_of(block: Sequence[Strip], row: int) -> list[tuple[str, Strip]]:
    """The padded cells of one row, each with its strip; joined they are the line."""
    return [(" " * s.lead + s.cells[row].rjust(s.width), s) for s in block]
