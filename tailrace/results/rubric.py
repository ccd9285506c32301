"""Rubric: what people and judges made of a model's answers, merged into one document. Pure.

Rule: a score counts when the answer is still the text that was scored; a stale one is counted as
stale and nowhere else. A facet without a score has none: no default, no nought. People and judge
are compared on the same answers: each score of a person makes a pair with the judge's score of that
answer and facet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tailrace.results.rubric_agreement import agreement_of, as_dict, scores_of
from tailrace.results.rubric_judge import Judged, newest
from tailrace.results.rubric_sheet import Annotation, Sample, is_stale
from tailrace.results.schema import Row

Texts = Mapping[tuple[str, str], str]
"""(model, request id) -> digest of the answer that the journal has."""


@dataclass(frozen=True, slots=True)
class Rubric:
    """The rubric files of a run, read; and the digests of the texts that they speak of."""

    annotations: Sequence[Annotation]
    judged: Sequence[Judged]
    texts: Texts


def chosen(rows: Iterable[Row], per_prompt: int) -> list[Row]:
    """The first ``per_prompt`` measured answers of each prompt, by level and intended start."""
    answers = [
        row
        for row in rows
        if row.phase == "measure" and row.outcome == "ok" and row.text is not None
    ]
    answers.sort(key=lambda row: (row.stage, row.intended_ns, row.id))
    taken: Counter[str] = Counter()
    kept = []
    for row in answers:
        if taken[row.prompt] < per_prompt:
            taken[row.prompt] += 1
            kept.append(row)
    order = {prompt: place for place, prompt in enumerate(dict.fromkeys(r.prompt for r in answers))}
    return sorted(kept, key=lambda row: order[row.prompt])


def sample_of(model: str, row: Row, facets: tuple[str, ...]) -> Sample:
    """A journal row as a thing to score."""
    return Sample(model, row.id, row.prompt, row.text or "", facets)


def model_quality(rubric: Rubric, model: str) -> dict[str, Any] | None:
    """The document of one model; None where nobody has scored or was asked."""
    mine = [row for row in rubric.annotations if row.model == model]
    stale = sum(is_stale(row, rubric.texts) for row in mine)
    human = {facet: list(_human(mine, rubric.texts, facet)) for facet in _facets_of(mine)}
    lines = [
        line
        for line in rubric.judged
        if line.model == model
        and rubric.texts.get((line.model, line.request), line.text_sha256) == line.text_sha256
    ]
    if not mine and not lines:
        return None
    judges = list(dict.fromkeys(line.judge for line in lines))
    found = newest(lines)
    facets = list(dict.fromkeys([*human, *(facet for line in lines for facet in line.facets)]))
    sheets = [_facet(facet, human.get(facet, []), judges, found) for facet in facets]
    return {
        "facets": sheets,
        "annotations": {
            "rows": len(mine),
            "scored": sum(bool(row.scores) for row in mine),
            "stale": stale,
            "annotators": dict(
                sorted(
                    Counter(row.annotator or "(not named)" for row in mine if row.scores).items()
                )
            ),
        },
        "judges": [_judge(judge, rubric.judged, model, found) for judge in judges],
        "human_mean": _mean(sheet["human"]["mean"] for sheet in sheets),
        "judge_mean": _mean(
            judge["mean"] for sheet in sheets for judge in sheet["judges"].values()
        ),
    }


def _facets_of(rows: Sequence[Annotation]) -> list[str]:
    return list(dict.fromkeys(facet for row in rows for facet in row.scores))


def _human(
    rows: Sequence[Annotation], texts: Texts, facet: str
) -> Iterator[tuple[tuple[str, str, str], int]]:
    for row in rows:
        if facet in row.scores and not is_stale(row, texts):
            yield row.key, row.scores[facet]


def _facet(
    facet: str,
    human: Sequence[tuple[tuple[str, str, str], int]],
    judges: Sequence[str],
    found: Mapping[tuple[tuple[str, str, str], str, str], int | str],
) -> dict[str, Any]:
    by_judge = {}
    for judge in judges:
        given = {
            sample: value
            for (sample, who, what), value in found.items()
            if (who, what) == (judge, facet)
        }
        scores = {sample: value for sample, value in given.items() if isinstance(value, int)}
        reasons = Counter(
            value.partition(":")[0] for value in given.values() if isinstance(value, str)
        )
        pairs = [(score, scores[sample]) for sample, score in human if sample in scores]
        by_judge[judge] = {
            **as_dict(scores_of(list(scores.values()))),
            "unscored": dict(sorted(reasons.items())),
            "agreement": as_dict(agreement_of(pairs)),
        }
    return {
        "facet": facet,
        "human": as_dict(scores_of([score for _, score in human])),
        "judges": by_judge,
    }


def _judge(
    judge: str,
    lines: Sequence[Judged],
    model: str,
    found: Mapping[tuple[tuple[str, str, str], str, str], int | str],
) -> dict[str, Any]:
    """What one judge did for this model, every request of it counted, and what that took."""
    mine = [line for line in lines if (line.judge, line.model) == (judge, model)]
    values = [value for (_, who, _), value in found.items() if who == judge]
    counted = [line for line in mine if line.input_tokens is not None]
    return {
        "judge": judge,
        "requests": len(mine),
        "answers": len({line.sample for line in mine}),
        "scored": sum(isinstance(value, int) for value in values),
        "unscored": sum(isinstance(value, str) for value in values),
        "failed_requests": sum(line.error is not None for line in mine),
        "requests_with_usage": len(counted),
        "input_tokens": sum(line.input_tokens or 0 for line in counted) if counted else None,
        "output_tokens": sum(line.output_tokens or 0 for line in counted) if counted else None,
        "seconds": round(sum(line.elapsed_ns for line in mine) / 1e9, 3),
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 6) if known else None
