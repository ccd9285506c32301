"""Aligning: a few requests before a model's levels, to make prompts the length its server counts.

Rule: prompts of known numbers of pieces are asked for one token each; a straight line through the
server's own ``prompt_tokens`` gives the tokens of a piece and the overhead of the chat template,
system message and images. A last prompt, made by that line, shows how well it fits. All of it is
kept in ``run.json``. A server that does not count leaves the lengths as they were, and the facts
say so.
"""

from __future__ import annotations

from statistics import linear_regression
from typing import Any

from tailrace.engine.stop import Stop, until_asked
from tailrace.engine.worker import Target, Worker
from tailrace.results.facts import ModelFacts
from tailrace.scenarios.data import Alignment
from tailrace.scenarios.data_source import synthetic

LEAST_PIECES = 8
LEAST_SLOPE, MOST_SLOPE = 0.05, 20.0


async def aligned(worker: Worker, target: Target, model: ModelFacts, stop: Stop) -> Target:
    """The target with what its server's counts taught; unchanged where there is nothing to do."""
    if not worker.scenario.data.align:
        return target
    found = model.alignment or {}
    if model.stages and found:  # of a resumed run: its levels are to be alike
        known = _line(found)
        return target if known is None else target._replace(alignment=known)
    async with until_asked(stop):
        found = await _probed(worker, target)
    model.alignment = found or None
    alignment = _line(found)
    return target if alignment is None else target._replace(alignment=alignment)


def aligned_line(model: ModelFacts) -> str | None:
    """What came of it, for whoever watches; None where nothing was to be done."""
    found = model.alignment
    if found is None:
        return None
    if found.get("problem"):
        return f"{model.model}: prompt lengths are not aligned: {found['problem']}"
    check = found["check"]
    return (
        f"{model.model}: prompt lengths aligned: {found['tokens_per_piece']:g} tokens a piece and "
        f"{found['overhead_tokens']:g} of overhead; {check['asked_tokens']} asked, "
        f"{check['prompt_tokens']} counted"
    )


async def _probed(worker: Worker, target: Target) -> dict[str, Any]:
    source = synthetic(worker.scenario)
    typical = max(source.typical_tokens, 3 * LEAST_PIECES)
    probes: list[dict[str, int]] = []
    found: dict[str, Any] = {"probes": probes}
    for number, pieces in enumerate((LEAST_PIECES, typical // 2, typical)):
        row = await worker.probe(source.probe(pieces, number), target)
        if row.outcome != "ok" or row.input_tokens is None:
            reason = row.error or "the server does not report prompt_tokens"
            return found | {"problem": f"a prompt of {pieces} pieces: {reason}"}
        probes.append({"pieces": pieces, "prompt_tokens": row.input_tokens})
    slope, intercept = linear_regression(
        [probe["pieces"] for probe in probes], [probe["prompt_tokens"] for probe in probes]
    )
    if not LEAST_SLOPE <= slope <= MOST_SLOPE:
        return found | {"problem": f"its counts make no sense: {slope:g} tokens a piece"}
    line = Alignment(round(slope, 6), round(intercept, 3))
    row = await worker.probe(source.probe(line.pieces(typical), len(probes)), target)
    check = {"asked_tokens": typical, "prompt_tokens": row.input_tokens}
    return found | line._asdict() | {"check": check}


def _line(found: dict[str, Any]) -> Alignment | None:
    if "check" not in found:
        return None
    return Alignment(found["tokens_per_piece"], found["overhead_tokens"])
