"""Outputs compared, as lines of text: one a prompt that differs, a sum at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.results.outputs_compare import Changed, Comparison, Place
from tailrace.results.render.text import safe_text

_SHOWN = 12
"""Digits of a hash that a line shows."""
_HASHES = 3
"""Hashes of one side that a line shows."""


def outputs_lines(found: Comparison) -> Iterator[str]:
    """The sum is ``SAME`` or ``DIFFERENT``."""
    for changed in found.changed:
        yield _changed(changed)
    for place in found.missing:
        yield f"missing  {_where(place)} has no answer in {place.run}"
    for place in found.unsteady:
        yield f"unsteady {_where(place)} has more than one answer within {place.run}"
    yield (
        f"{'SAME' if found.equal else 'DIFFERENT'}: {found.same} prompts the same, "
        f"{len(found.changed)} changed, {len(found.missing)} missing"
    )


def _changed(changed: Changed) -> str:
    where = _where(Place(changed.model, changed.prompt, ""))
    line = f"changed  {where}: A {_hashes(changed.hashes_a)}, B {_hashes(changed.hashes_b)}"
    if changed.difference is None:
        return line
    return f"{line}; first difference at {safe_text(changed.difference)}"


def _where(place: Place) -> str:
    model = safe_text(place.model)
    return model if place.prompt is None else f"{model}, prompt {safe_text(place.prompt)}"


def _hashes(hashes: Mapping[str, int]) -> str:
    shown = [f"{name[:_SHOWN]} ({answers})" for name, answers in hashes.items()]
    more = len(shown) - _HASHES
    return " ".join(shown[:_HASHES]) + (f" and {more} more" if more > 0 else "")
