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
from tailrace.results.session_facts import SessionBooks
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
    reason = one_reason(judged(ended=None))
    assert reason == "the run did not end: requests in flight at its death left no line"


def test_an_interrupted_run_is_noted() -> None:
    verdict = judged(ended="interrupted")
    assert verdict.valid
    assert verdict.notes == ("interrupted by a signal: the last stage is shorter than planned",)


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
    where, got = "m at 1 user", counted.get("retries", 0)
    assert verdict.reasons[-1] == f"{where}: {got} retries in all, the journal has 1"
    if not counted:
        wanted = f"{where}: 0 requests were sent again, the journal has 1"
        assert verdict.reasons[-2] == wanted


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


def test_an_aborted_run_says_why() -> None:
    model = ModelFacts("m", "m", "ok", stages=[stage(GOOD)])
    result = model_result(model, None, [tally(*GOOD)], 0)
    verdict = judge(facts(model, ended="aborted", abort_reason="too many errors"), [result])
    assert verdict.notes == ("aborted: too many errors",)


def test_another_tools_run_is_neither() -> None:
    model = ModelFacts("m", "m", "ok", stages=[stage(GOOD)])
    result = model_result(model, None, [tally(*GOOD)], 0)
    tool = {"name": "other", "version": "1.2", "converted_by": "tailrace 0"}
    verdict = judge(facts(model, tool=tool), [result])
    assert (verdict.word, verdict.valid, verdict.converted) == ("CONVERTED", False, True)
    assert verdict.notes == ("converted from other 1.2: not measured by tailrace, so not audited",)


def of_two_levels(second: Sequence[Row], **more: Any) -> tuple[RunFacts, dict[str, Any]]:
    """A run whose first level is good, and its document."""
    rows = [*GOOD, *second]
    model = ModelFacts("m", "m", "ok", stages=[stage(rows, 0), stage(rows, 1)])
    result = model_result(model, None, [tally(*GOOD), tally(*second)], 0)
    return facts(model, **more), result


def test_one_good_level_is_enough_and_each_counts() -> None:
    run, result = of_two_levels([row(9, outcome="error", stage=1)])
    assert judge(run, [result]).valid
    run, result = of_two_levels([row(9, stage=1), row(10, stage=1)])
    for document in result["stages"]:
        document["counts"]["measured"]["ok"] = 2
    assert judge(run, [result]).valid


def test_stages_without_a_document_are_a_fault() -> None:
    run, result = of_two_levels([row(9, stage=1)])
    result["stages"].pop()
    with pytest.raises(ValueError, match="zip"):
        judge(run, [result])


def test_a_bad_finding_of_the_audit_is_a_reason() -> None:
    run, result = of_two_levels([row(9, stage=1)])
    finding = {"name": "late starts", "value": "9 %", "why": "the client was busy"}
    result["stages"][1]["audit"] = [finding | {"status": "bad"}, finding | {"status": "warn"}]
    reason = one_reason(judge(run, [result]))
    assert reason == "m at 1 user: late starts: 9 %; the client was busy"


@pytest.mark.parametrize(
    ("error_class", "what"),
    [("open_files", "file"), ("local_ports", "port"), ("out_of_memory", "memory")],
)
def test_requests_that_this_machine_could_not_send_are_invalid(error_class: str, what: str) -> None:
    reason = one_reason(judged([*GOOD, row(3, outcome="error", error_class=error_class)]))
    assert reason == (
        f"m at 1 user: this machine had no {what} left for 1 of the requests "
        f"({error_class}): the load was not what was asked for"
    )


def test_sessions_that_the_journal_does_not_have_are_invalid() -> None:
    books = SessionBooks(begun=2, finished=2)
    model = ModelFacts("m", "m", "ok", stages=[stage(GOOD, sessions=books)])
    result = model_result(model, None, [tally(*GOOD)], 0)
    result["stages"][0]["sessions"] = {"journal": {"begun": 1, "finished": 2}}
    reason = one_reason(judge(facts(model), [result]))
    assert reason == "m at 1 user: 2 sessions begun, the journal has 1"


@pytest.mark.parametrize(("ended", "valid"), [("complete", False), ("interrupted", True)])
def test_a_trace_that_was_not_sent_whole_is_invalid_where_the_run_went_to_its_end(
    ended: str, valid: bool
) -> None:
    trace = {"path": "t", "rows": 3, "input_tokens": 30, "output_tokens": 0, "words_per_token": 1.0}
    model = ModelFacts("m", "m", "ok", stages=[stage(GOOD)])
    result = model_result(model, None, [tally(*GOOD)], 0)
    (document,) = result["stages"]
    document["arrivals"] = {"requested_n": 9.0}
    document["tokens"] = {"source": {"usage": 3}, "input": 60, "output": 0}
    scenario = {"levels": [{"arrivals": {"trace": trace}}]}
    verdict = judge(facts(model, ended=ended, scenario=scenario), [result])
    assert verdict.valid is valid
    assert [reason.startswith("m at 1 user: the trace has 9") for reason in verdict.reasons] == [
        True
    ] * (not valid)
    assert verdict.notes[-1].startswith("m at 1 user: prompts were 2.00 times as long")
