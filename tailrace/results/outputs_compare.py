"""Outputs compared: which prompts two runs of a model answered differently. Pure.

Rule: an answer may only be compared where the same was asked in the same way, so runs with other
parameters or prompts are refused with a sentence that says what differs. Of a prompt that was
answered several times, all the different answers count, and how often each came does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tailrace.errors import ResultError
from tailrace.results.outputs import ModelOutputs, PromptOutputs

_AROUND = 20
"""Characters shown on either side of the first difference."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A prompt whose answers are not the same in both runs."""

    model: str
    prompt: str
    hashes_a: dict[str, int]
    hashes_b: dict[str, int]
    difference: str | None = None
    """The first difference of the most frequent answers; None where texts were not kept."""


@dataclass(frozen=True, slots=True)
class Place:
    """A prompt of a model in one of the runs; ``prompt`` None is the whole model."""

    model: str
    prompt: str | None
    run: str
    """``A`` or ``B``."""


@dataclass(slots=True)
class Comparison:
    """What came of comparing two runs."""

    same: int = 0
    """Prompts with the same answers, over all models."""
    changed: list[Changed] = field(default_factory=list)
    missing: list[Place] = field(default_factory=list)
    """Where a prompt, or a whole model, has no answer."""
    unsteady: list[Place] = field(default_factory=list)
    """Prompts that one run alone answered in more than one way."""

    @property
    def equal(self) -> bool:
        """Whether every prompt has the same answers in both runs."""
        return not self.changed and not self.missing

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"equal": self.equal} | asdict(self)


def compare(
    a: Mapping[str, ModelOutputs], b: Mapping[str, ModelOutputs], names: tuple[str, str]
) -> Comparison:
    """Compare the models of two runs; ``names`` is what errors call the runs.

    Raises ResultError where parameters or prompts differ, or no model is in both.
    """
    found = Comparison()
    if not a.keys() & b.keys():
        raise ResultError(
            f"{names[0]} and {names[1]} have no model in common: "
            f"{', '.join(map(repr, a))} and {', '.join(map(repr, b))}"
        )
    for model in sorted(a.keys() | b.keys()):
        if model not in a or model not in b:
            found.missing.append(Place(model, None, "A" if model not in a else "B"))
            continue
        _require_same(a[model], b[model], names)
        _compare_model(found, a[model], b[model])
    return found


def _require_same(a: ModelOutputs, b: ModelOutputs, names: tuple[str, str]) -> None:
    for name in sorted(a.parameters.keys() | b.parameters.keys()):
        one, other = a.parameters.get(name), b.parameters.get(name)
        if one != other:
            raise ResultError(
                f"the runs did not ask in the same way: {name} is {one!r} in {names[0]} and "
                f"{other!r} in {names[1]}"
            )
    asked_a, asked_b = _asked(a), _asked(b)
    for prompt in asked_a:
        if prompt in asked_b and asked_a[prompt] != asked_b[prompt]:
            raise ResultError(
                f"the runs did not ask the same: prompt {prompt!r} of {a.model!r} is another one "
                f"in {names[0]} than in {names[1]}"
            )


def _asked(outputs: ModelOutputs) -> dict[str, set[str | None]]:
    asked: dict[str, set[str | None]] = {}
    for entry in outputs.prompts:
        asked.setdefault(entry.prompt, set()).add(entry.asked)
    return asked


def _compare_model(found: Comparison, a: ModelOutputs, b: ModelOutputs) -> None:
    left, right = _by_key(a), _by_key(b)
    for key, entry in (left | right).items():
        for run, side in (("A", left), ("B", right)):
            if key not in side:
                found.missing.append(Place(a.model, entry.prompt, run))
            elif len(side[key].hashes) > 1:
                found.unsteady.append(Place(a.model, entry.prompt, run))
        if key in left and key in right:
            one, other = left[key].hashes, right[key].hashes
            if one.keys() == other.keys():
                found.same += 1
            else:
                found.changed.append(Changed(a.model, entry.prompt, one, other))


def _by_key(outputs: ModelOutputs) -> dict[tuple[str, str | None], PromptOutputs]:
    return {(entry.prompt, entry.asked): entry for entry in outputs.prompts}


def differing_hashes(changed: Changed) -> tuple[str, str]:
    """The most frequent answer of each run, of those that the other did not give if it has any."""
    return (
        next(iter(_own(changed.hashes_a, changed.hashes_b))),
        next(iter(_own(changed.hashes_b, changed.hashes_a))),
    )


def _own(hashes: Mapping[str, int], others: Mapping[str, int]) -> Iterator[str]:
    yield from (name for name in hashes if name not in others)
    yield from hashes


def first_difference(a: str, b: str) -> str:
    """Where two different answers part, with what stands around: ``character 12: '…' and '…'``."""
    place = next(
        (index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y),
        min(len(a), len(b)),
    )
    begin, end = max(0, place - _AROUND), place + _AROUND
    return f"character {place + 1}: {a[begin:end]!r} and {b[begin:end]!r}"
