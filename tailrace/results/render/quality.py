"""Quality and cost as sheets, for every report alike. Pure.

Rule: every figure stands with its n, an agreement of too few pairs is marked ~, and one that
does not exist is n/a. The formula of each cost stands beside the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.results.formulas import COST, QUALITY
from tailrace.results.render.figures import (
    NOT_AVAILABLE,
    UNCERTIFIED,
    amount,
    count,
    hundredths,
    number,
)
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.text import safe_text

_QUALITY_COLUMNS = (
    *("model", "facet", "judge"),
    *("people n", "mean", "sd", "judge n", "mean", "sd", "unscored"),
    *("pairs", "same", "within 1", "kappa"),
)
_QUALITY_TERMS = (
    *("", "", ""),
    *("human", "human", "human", "judge", "judge", "judge", "judge"),
    *("agreement", "agreement", "agreement", "agreement"),
)
_COST_COLUMNS = (
    ("cost per request", "cost_per_request"),
    ("per 1,000 requests", "cost_per_1000_requests"),
    ("J per request", "joules_per_request"),
    ("J per output token", "joules_per_output_token"),
)


def quality_section(results: Sequence[Mapping[str, Any]]) -> Section | None:
    """What people and judges say; None where nobody has said anything."""
    rated = [result for result in results if result.get("quality")]
    if not rated:
        return None
    rows = tuple(row for result in rated for row in _facet_rows(result))
    sheet = Sheet("Scores", _QUALITY_COLUMNS, _QUALITY_TERMS, rows, "quality", texts=3)
    notes = [f"{name}: {QUALITY[name]}" for name in ("human", "judge", "agreement")]
    remarks = tuple(remark for result in rated for remark in _remarks(result))
    return Section("Quality", (sheet,) if rows else (), remarks, tuple(notes))


def _facet_rows(result: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    model = safe_text(result["model"])
    for facet in result["quality"]["facets"]:
        people = facet["human"]
        begin = (count(people["n"]), hundredths(people["mean"]), hundredths(people["sd"]))
        name = safe_text(facet["facet"])
        for judge, found in facet["judges"].items():
            unscored = sum(found["unscored"].values())
            yield (
                *(model, name, safe_text(judge, 40), *begin),
                *(count(found["n"]), hundredths(found["mean"]), hundredths(found["sd"])),
                count(unscored),
                *_agreement(found["agreement"]),
            )
        if not facet["judges"]:
            yield (model, name, "none", *begin, "0", *(NOT_AVAILABLE,) * 2, "0", "0", *_NO_PAIRS)


_NO_PAIRS = (NOT_AVAILABLE,) * 3


def _agreement(found: Mapping[str, Any]) -> tuple[str, ...]:
    if found["n"] == 0:
        return ("0", *_NO_PAIRS)
    mark = UNCERTIFIED if found["too_few"] else ""
    shares = (f"{mark}{100 * found[name]:.0f} %" for name in ("exact", "within_one"))
    kappa = found["kappa"]
    return (
        *(count(found["n"]), *shares),
        NOT_AVAILABLE if kappa is None else f"{mark}{hundredths(kappa)}",
    )


def _remarks(result: Mapping[str, Any]) -> Iterator[str]:
    """How much of the sheet is filled in, and what the judge did and took."""
    model, quality = safe_text(result["model"]), result["quality"]
    sheet = quality["annotations"]
    if sheet["rows"]:
        who = ", ".join(f"{safe_text(name, 40)} {n}" for name, n in sheet["annotators"].items())
        yield (
            f"{model}: people scored {sheet['scored']} of {sheet['rows']} rows"
            + (f" ({who})" if who else "")
            + (f"; {sheet['stale']} are stale and not counted" if sheet["stale"] else "")
        )
    for judge in quality["judges"]:
        tokens = (
            f"{judge['input_tokens']} input and {judge['output_tokens']} output tokens"
            + _partly(judge)
            if judge["input_tokens"] is not None
            else "tokens not stated"
        )
        yield (
            f"{model}: judge {safe_text(judge['judge'], 40)} was asked {judge['requests']} times "
            f"about {judge['answers']} answers: {judge['scored']} scores, {judge['unscored']} "
            f"unscored{_reasons(quality, judge['judge'])}; {tokens}, {number(judge['seconds'])} s"
        )


def _partly(judge: Mapping[str, Any]) -> str:
    counted, asked = judge["requests_with_usage"], judge["requests"]
    return "" if counted == asked else f" (stated in {counted} of {asked})"


def _reasons(quality: Mapping[str, Any], judge: str) -> str:
    reasons: dict[str, int] = {}
    for facet in quality["facets"]:
        for name, n in facet["judges"].get(judge, {"unscored": {}})["unscored"].items():
            reasons[name] = reasons.get(name, 0) + n
    listed = ", ".join(f"{safe_text(name, 40)} {n}" for name, n in reasons.items())
    return f" ({listed})" if listed else ""


def cost_section(results: Sequence[Mapping[str, Any]]) -> Section | None:
    """Money and energy of each level; None where neither prices nor power were given."""
    rows: list[tuple[str, ...]] = []
    given: dict[str, Any] = {}
    for result in results:
        for stage in result["stages"]:
            cost = stage.get("cost")
            if cost is None:
                continue
            cells = (amount(cost[key]) for _, key in _COST_COLUMNS)
            rows.append((safe_text(result["model"]), safe_text(stage["load"]), *cells))
            given[result["model"]] = cost
    if not rows:
        return None
    titles = ("model", "load", *(title for title, _ in _COST_COLUMNS))
    terms = ("", "", *(key for _, key in _COST_COLUMNS))
    sheet = Sheet("Cost and footprint", titles, terms, tuple(rows), texts=2)
    remarks = tuple(f"{safe_text(model)}: {_given(cost)}" for model, cost in given.items())
    notes = tuple(f"{name} = {formula}" for name, formula in COST.items())
    return Section("Cost and footprint", (sheet,), remarks, notes)


def _given(cost: Mapping[str, Any]) -> str:
    """What the figures were worked out from."""
    unit = f" {safe_text(cost['currency'])}" if cost["currency"] else ""

    def money(name: str) -> str:
        return amount(cost[name]) + (unit if cost[name] is not None else "")

    return (
        f"price_in {money('price_in')} and price_out {money('price_out')} (a million tokens), "
        f"watts {amount(cost['watts'])}, price_kwh {money('price_kwh')}; cost per request from "
        f"{cost['basis'] or 'nothing: no price was given'}"
    )
