"""Section: a titled part of a report: tables, remarks, and the definitions beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.results.render.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Section:
    """Texts are safe but not yet escaped: that is the part of the file that writes them."""

    title: str
    sheets: tuple[Sheet, ...]
    remarks: tuple[str, ...] = ()
    """Sentences about these figures."""
    notes: tuple[str, ...] = ()
    """How the figures come about."""
