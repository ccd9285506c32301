"""Compare: runs against a base, level by level, with a verdict on every figure. Pure.

Rule: only what was asked in the same way is compared: prompts, lengths, dialect, the shape of each
load, and how it was measured. What differs is named and refused, unless it is allowed, and then it
is said beside the result. How long a level was measured may differ; where the model is served may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from tailrace.errors import UsageError
from tailrace.results.blur import is_blurred
from tailrace.results.compare_cell import Cell, Verdict, judged
from tailrace.results.compare_figures import Figures
from tailrace.results.compare_level import Settings, dice_of, level_cells
from tailrace.results.facts import RunFacts
from tailrace.results.variants import MAY_DIFFER, differences, short

LENGTHS = frozenset({"duration_s", "requests", "round"})
"""Of a level: for how long it was measured, which two runs need not share."""
Blurred = Set[tuple[str, str, str]]
BLURRED = "outputs shared reads, so it is uncertain itself: see between_ns in result.json"
_OF_THE_MOMENT = frozenset({"load_1m", "ephemeral_ports"})
"""What is no property of a host."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, or one model of it, ready to be compared."""

    label: str
    facts: RunFacts
    reasons: tuple[str, ...]
    """Why it is INVALID; empty where it is not."""
    levels: Mapping[str, Mapping[str, Figures]]
    """Model -> load -> its figures."""
    alone: bool = False
    """One model was named, so its name need not be the other's."""
    blurred: frozenset[tuple[str, str, str]] = frozenset()
    """(model, load, figure) that shared reads blur; see blur.py."""
    converted: str = ""
    """What to know of it, where another tool measured it; see converted.py."""

    @property
    def single(self) -> bool:
        """Whether levels were measured in one round only."""
        levels = self.facts.scenario.get("levels") or ()
        return not any(level.get("round") for level in levels if isinstance(level, Mapping))


@dataclass(frozen=True, slots=True)
class Pair:
    """The base and one other run."""

    base: str
    other: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """``worse`` where any cell is; ``cannot tell`` where none could be judged."""
        found = {cell.verdict for cell in self.cells}
        for verdict in ("worse", "better", "no difference"):
            if verdict in found:
                return verdict
        return "cannot tell"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it; the correction is over the cells of all pairs."""

    settings: Settings
    pairs: tuple[Pair, ...]

    @property
    def worse(self) -> list[Cell]:
        """The cells that are worse, of all pairs."""
        return [cell for pair in self.pairs for cell in pair.cells if cell.verdict == "worse"]


def compare(
    base: Measured,
    others: Sequence[Measured],
    settings: Settings,
    allow_different: bool = False,
    allow_invalid: bool = False,
) -> Comparison:
    """Every level of every model that the base and another run share.

    Raises UsageError where they are not alike, a run is INVALID, or there is nothing in common.
    """
    dice = dice_of(settings.seed)
    if not allow_invalid:
        _require_valid([base, *others])
    cells: list[Cell] = []
    ends, notes = [0], []
    for other in others:
        found = list(_unlike(base, other))
        if found and not allow_different:
            raise UsageError(
                f"{base.label} and {other.label} cannot be compared, they were not asked the same: "
                f"{'; '.join(found)}; run one again with the other's settings, or --allow-different"
            )
        for model, theirs in _common_models(base, other):
            mine, there = base.levels[model], other.levels[theirs]
            name = model if model == theirs else f"{model} / {theirs}"
            for load in _common_loads(base.label, mine, other.label, there):
                fresh = level_cells(name, load, mine[load], there[load], settings, dice)
                cells += _sharp(fresh, base.blurred, other.blurred, model, theirs)
        ends.append(len(cells))
        notes.append(_notes(base, other, found))
    verdicts = judged(cells, settings.confidence)
    pairs = tuple(
        Pair(base.label, other.label, tuple(verdicts[begin:end]), said)
        for other, begin, end, said in zip(others, ends, ends[1:], notes, strict=False)
    )
    return Comparison(settings, pairs)


def _sharp(
    cells: Iterable[Cell], mine: Blurred, others: Blurred, model: str, theirs: str
) -> Iterator[Cell]:
    """The cells, those that shared reads blur on either side without a test."""
    for cell in cells:
        blurred = (model, cell.load, cell.name) in mine or (theirs, cell.load, cell.name) in others
        yield replace(cell, p=None, reason=BLURRED) if blurred and cell.tested else cell


def blurred_of(results: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """(model, load, figure) of every percentile that is uncertain itself, of result documents."""
    for result in results:
        for stage in result["stages"]:
            for metric, figures in stage["metrics"].items():
                for name, percentile in figures["percentiles"].items():
                    if is_blurred(percentile.get("between_ns")):
                        yield result["model"], stage["load"], f"{metric} {name}"


def _require_valid(sides: Sequence[Measured]) -> None:
    for side in sides:
        if side.reasons:
            more = f" and {len(side.reasons) - 1} more" if len(side.reasons) > 1 else ""
            raise UsageError(
                f"{side.label} is INVALID ({side.reasons[0]}{more}): its figures prove nothing; "
                "run it again, or --allow-invalid"
            )


def _unlike(base: Measured, other: Measured) -> list[str]:
    """What was asked differently, one text each."""
    known = base.facts.scenario.keys() & other.facts.scenario.keys() - {"levels"}
    found = differences(*(_only(side.facts, known) for side in (base, other)))
    mine, theirs = _shapes(base.facts), _shapes(other.facts)
    for load, shape in mine.items():
        there = theirs.get(load, shape)
        for key in dict.fromkeys((*shape, *there)):
            if shape.get(key) != there.get(key):
                values = f"{short(shape.get(key))} / {short(there.get(key))}"
                found.append(f"{key} of level {load} ({values})")
    return found


def _only(facts: RunFacts, keys: Set[str]) -> RunFacts:
    scenario = {key: value for key, value in facts.scenario.items() if key in keys}
    return replace(facts, scenario=scenario)


def _shapes(facts: RunFacts) -> dict[str, dict[str, Any]]:
    """Load -> what its level was to be, but for its length."""
    levels = facts.scenario.get("levels") or ()
    return {
        load_of(facts, index): {k: v for k, v in level.items() if k not in LENGTHS}
        for index, level in enumerate(levels)
        if isinstance(level, Mapping)
    }


def load_of(facts: RunFacts, index: int) -> str:
    """The load of a level as the models' stages name it; its number where none came to it."""
    for model in facts.models:
        for stage in model.stages:
            if stage.index == index:
                return stage.load or str(stage.users)
    return f"number {index + 1}"


def _common_models(base: Measured, other: Measured) -> list[tuple[str, str]]:
    if base.alone and other.alone:
        return [(next(iter(base.levels)), next(iter(other.levels)))]
    common = [(model, model) for model in base.levels if model in other.levels]
    if not common:
        raise UsageError(
            f"{base.label} and {other.label} have no model in common: "
            f"{_listed(base.levels)} and {_listed(other.levels)}; name one of each, as RUN:MODEL"
        )
    return common


def _common_loads(
    base: str, mine: Mapping[str, Figures], other: str, theirs: Mapping[str, Figures]
) -> list[str]:
    common = [load for load in mine if load in theirs]
    if not common:
        raise UsageError(
            f"{base} and {other} have no load level in common: "
            f"{_listed(mine)} and {_listed(theirs)}"
        )
    return common


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"


def _notes(base: Measured, other: Measured, different: Sequence[str]) -> tuple[str, ...]:
    """What a reader must know and what does not forbid the comparison."""
    found = [f"asked differently: {each}" for each in different]
    for side in (base, other):
        found += [f"{side.label} is INVALID: {reason}" for reason in side.reasons]
    converted = [side.converted for side in (base, other) if side.converted]
    found += converted
    if not converted:
        found += _surroundings(base, other)
    if any(side.single for side in (base, other)):
        found.append(
            "levels were measured once: what changes from run to run, like the machine's mood, is "
            "in no interval; --rounds 3 on both sides shows it"
        )
    gone = [model for model in base.levels if model not in other.levels]
    if gone and not (base.alone and other.alone):
        found.append(f"{other.label} has no {', '.join(gone)}: not compared")
    return tuple(found)


def _surroundings(base: Measured, other: Measured) -> Iterator[str]:
    """What two runs of ours do not share of machine, engine and version."""
    for name in ("host", "engine"):
        mine, theirs = getattr(base.facts, name), getattr(other.facts, name)
        for key in mine | theirs:
            if mine.get(key) != theirs.get(key) and key not in _OF_THE_MOMENT:
                yield f"{name}: {key} differs ({short(mine.get(key))} / {short(theirs.get(key))})"
    unknown = base.facts.scenario.keys() ^ other.facts.scenario.keys()
    if unknown := unknown - MAY_DIFFER:
        yield f"only one of the runs knows {', '.join(sorted(unknown))}: other versions"
