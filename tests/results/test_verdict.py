"""Verdicts: what breaks trust, what a reader only must know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tailrace.results.facts import Books, ModelFacts, Resumption, RunFacts
from tailrace.results.result import model_result
from tailrace.results.schema import OUTCOMES, Row
from tailrace.results.verdict import Verdict, judge

from .builders import S, facts, row, stage, tally

GOOD = [row(k) for k in range(3)]


def judged(
    rows: Sequence[Row] = GOOD,
    torn: int = 0,
    status: str = "ok",
    ended: str | None = "complete",
    **more: Any,
) -> Verdict:
    """The verdict of a run of one stage."""
    model = ModelFacts("m", "m", status, stages=[stage(rows, **more)])  # type: ignore[arg-type]
    result = model_result(model, None, [tally(*rows)], torn)
    return judge(facts(model, ended=ended), [result])


def one_reason(verdict: Verdict) -> str:
    (reason,) = verdict.reasons
    assert verdict.word == "INVALID"
    return reason


def test_a_good_run_is_valid() -> None:
    verdict = judged()
    assert (verdict.valid, verdict.word) == (True, "VALID")
    assert verdict.to_dict() == {"valid": True, "reasons": [], "notes": []}


def test_a_run_that_did_not_end_is_invalid() -> None:
    assert "did not end" in one_reason(judged(ended=None))


def test_an_interrupted_run_is_noted() -> None:
    verdict = judged(ended="interrupted")
    assert verdict.valid
    assert "interrupted" in verdict.notes[0]


def test_torn_lines_are_invalid() -> None:
    assert one_reason(judged(torn=2)) == "m: 2 journal lines are torn"


@pytest.mark.parametrize("name", ["planned", "started"])
def test_books_out_of_balance_are_invalid(name: str) -> None:
    books = stage(GOOD).books
    setattr(books, name, 7)
    reason = one_reason(judged(books=books))
    assert "m at 1 user: the books do not balance" in reason


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_journal_that_differs_from_the_books_is_invalid(outcome: str) -> None:
    books = stage(GOOD).books
    setattr(books, outcome, getattr(books, outcome) + 1)
    books.planned = books.started = 4
    reason = one_reason(judged(books=books))
    assert f"requests ended {outcome}, the journal has" in reason


def test_the_books_of_a_stage_that_did_not_end_are_not_judged() -> None:
    books = stage(GOOD).books
    books.planned = 99
    assert judged(books=books, ended_ns=None).valid


@pytest.mark.parametrize(
    "rows", [[], [row(outcome="error")], [row(phase="warmup")], [row(outcome="censored")]]
)
def test_a_run_without_a_measured_success_is_invalid(rows: list[Row]) -> None:
    assert one_reason(judged(rows)) == "no measured request ended ok"


def test_a_failed_model_is_noted() -> None:
    model = ModelFacts("bad", "bad", "failed", "model_not_found", "no such model")
    good = ModelFacts("m", "m", "ok", stages=[stage(GOOD)])
    results = [model_result(model, None, [], 0), model_result(good, None, [tally(*GOOD)], 0)]
    verdict = judge(facts(model, good), results)
    assert verdict.valid
    assert verdict.notes == ("bad: failed (model_not_found)",)
    assert not judge(facts(model), results[:1]).valid


@pytest.mark.parametrize(("share", "noted"), [(100, False), (95, False), (94, True), (10, True)])
def test_a_load_that_was_not_reached_is_noted(share: int, noted: bool) -> None:
    time = {100: share * S, 0: (100 - share) * S}
    verdict = judged(users=100, in_flight_ns=time)
    assert verdict.valid
    assert bool(verdict.notes) == noted
    if noted:
        assert f"m at 100 users: only {share}.00 requests were in flight" in verdict.notes[0]


def test_every_reason_is_told() -> None:
    verdict = judged([row(outcome="error")], torn=1, ended=None)
    assert len(verdict.reasons) == 3


def test_a_result_without_its_model_is_a_fault() -> None:
    run: RunFacts = facts(ModelFacts("m", "m"))
    with pytest.raises(ValueError, match="zip"):
        judge(run, [])


def test_the_verdict_is_plain_json() -> None:
    verdict = replace(judged(ended=None), notes=("n",))
    assert orjson.loads(orjson.dumps(verdict.to_dict())) == {
        "valid": False,
        "reasons": list(verdict.reasons),
        "notes": ["n"],
    }


RETRIED = [
    row(0, None, (), outcome="error", error_class="http_503", attempt=1, retried=True),
    row(5, attempt=2),
]


def test_retries_are_noted() -> None:
    books = Books(planned=1, started=1, ok=1, retried=1, retries=1)
    verdict = judged(RETRIED, books=books)
    assert verdict.valid, verdict.reasons
    (note,) = verdict.notes
    assert "1 requests were sent again, 1 times in all (http_503 1)" in note
    assert "latency from the intended time holds" in note


@pytest.mark.parametrize("counted", [{}, {"retried": 1, "retries": 2}])
def test_retries_that_the_journal_does_not_have_are_invalid(counted: dict[str, int]) -> None:
    verdict = judged(RETRIED, books=Books(planned=1, started=1, ok=1, **counted))
    assert not verdict.valid
    assert "sent again" in verdict.reasons[-1] or "retries in all" in verdict.reasons[-1]


def test_a_resumed_run_says_so() -> None:
    model = ModelFacts("m", "m", "ok", stages=[stage(GOOD)], set_aside_rows=3, dropped_lines=1)
    sittings = [
        Resumption(1, "2026-11-25T01:00:00Z", 5, 1, 2, "killed"),
        Resumption(2, "2026-11-25T02:00:00Z", 9, 1, 2, "interrupted", host={"cpu": "other"}),
    ]
    result = model_result(model, None, [tally(*GOOD)], 0)
    verdict = judge(facts(model, resumptions=sittings), [result])
    assert verdict.valid
    assert verdict.notes == (
        "resumed at 2026-11-25T01:00:00Z, after it was killed",
        "resumed at 2026-11-25T02:00:00Z on another machine (other), after it was interrupted",
        "3 requests of unfinished levels are set aside and in no figure",
        "1 half-written journal lines were dropped when the run was resumed",
    )
