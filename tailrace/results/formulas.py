"""Formulas: how cost, energy, quality and the selection's marks come about, in words. Pure.

Quoted by every result file, by the reports beside the figures, and by the documentation. This file
imports nothing, so that every other may quote it.
"""

from __future__ import annotations

TOO_FEW_PAIRS = 10
"""Below so many pairs of scores an agreement is marked as of too few."""

COST: dict[str, str] = {
    "cost_per_request": "(input tokens * price_in + output tokens * price_out) / 1,000,000 / "
    "answers, of measured answers that ended ok, by the server's own counts (usage); n/a without "
    "both prices, and where an answer has no usage (a price of 0 needs no count). Without token "
    "prices: joules_per_request / 3,600,000 * price_kwh",
    "cost_per_1000_requests": "cost_per_request * 1,000",
    "joules_per_request": "watts * window seconds / requests that ended ok in the window; watts is "
    "what was given, for all that draws it, and is not measured here",
    "joules_per_output_token": "watts * window seconds / output tokens in the window",
}

QUALITY: dict[str, str] = {
    "human": "scores that people wrote into rubric/annotations.csv, 1 (worst) to 5 (best): n, mean "
    "and sample standard deviation, of answers that are still the text that was scored",
    "judge": "scores that another model gave (rubric/judge.jsonl), the last one of each answer and "
    "facet; unscored is what it gave no valid score for, and counts in no mean",
    "agreement": "of pairs (a person's score, the judge's score of the same answer and facet): "
    "share with the same score, share at most one apart, and Cohen's weighted kappa (1968), "
    "1 - sum(w * observed) / sum(w * expected) with w = (i - j)^2, n/a where chance cannot "
    f"disagree; marked ~ below {TOO_FEW_PAIRS} pairs",
    "quality": "mean of the facets' means, each facet counting the same, out of 5",
}

SELECTION: dict[str, str] = {
    "pareto": "a model is marked when no other model of the table dominates it. One dominates "
    "another when, over the columns in which both have a value, it is nowhere worse and somewhere "
    "better. A value that is n/a counts neither for nor against a model. A model that failed, and "
    "one of an INVALID run, is not compared",
}
