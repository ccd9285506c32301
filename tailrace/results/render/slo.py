"""Objectives as a sheet: which level meets which, for every report alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.abort import shown
from tailrace.results.facts import label_of
from tailrace.results.render.figures import NOT_AVAILABLE, UNCERTIFIED, number, share
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.text import safe_text
from tailrace.results.slo import Slo, parse_slo
from tailrace.results.slo_judge import overall

WORDS = {"pass": "met", "fail": "MISSED", "cannot tell": "cannot tell"}
NOTES = (
    "~ is as measured: the bound at 99 % is not on the same side of the limit, or there is none",
    "goodput: requests that meet every latency objective, per second and as a share of all",
)


def slo_section(results: Sequence[Mapping[str, Any]]) -> Section | None:
    """A row a level; None where no objective was given."""
    judged = [
        (result["model"], stage)
        for result in results
        for stage in result["stages"]
        if stage.get("slo")
    ]
    if not judged:
        return None
    slos = [parse_slo(each["slo"], "the result") for each in judged[0][1]["slo"]]
    columns = ("model", "level", "all", *(slo.text for slo in slos), "goodput/s", "good")
    terms = ("", "", "slo", *("slo" for _ in slos), "goodput", "goodput")
    rows = tuple(_row(model, stage, slos) for model, stage in judged)
    sheet = Sheet("By level", columns, terms, rows, "slo", texts=len(slos) + 3)
    return Section("Objectives", (sheet,), tuple(_remarks(judged)), NOTES)


def _row(model: str, stage: Mapping[str, Any], slos: Sequence[Slo]) -> tuple[str, ...]:
    status, _, sure = overall(stage["slo"])
    cells = (_cell(slo, each) for slo, each in zip(slos, stage["slo"], strict=True))
    good = stage.get("goodput") or {"per_s": None, "share": None}
    return (
        *(safe_text(model), label_of(stage["load"], stage["users"], stage.get("round", 0))),
        _word(status, sure),
        *cells,
        *(number(good["per_s"]), share(good["share"])),
    )


def _word(status: str, sure: bool) -> str:
    loose = "" if sure or status == "cannot tell" else UNCERTIFIED
    return loose + WORDS[status]


def _cell(slo: Slo, judged: Mapping[str, Any]) -> str:
    value = judged["value"]
    told = NOT_AVAILABLE if value is None else shown(slo, value)
    return f"{_word(judged['status'], judged['sure'])}: {told}"


def _remarks(judged: Sequence[tuple[str, Mapping[str, Any]]]) -> Sequence[str]:
    """Why it cannot be told, level by level."""
    return [
        f"{safe_text(model)} at {label_of(stage['load'], stage['users'], stage.get('round', 0))}: "
        f"{each['slo']} cannot be told: {each['why']}"
        for model, stage in judged
        for each in stage["slo"]
        if each["status"] == "cannot tell"
    ]
