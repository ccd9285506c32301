"""What people and judges made of answers, merged: means, unscored, stale, pairs."""

from __future__ import annotations

from tailrace.results.rubric import Rubric, chosen, model_quality
from tailrace.results.rubric_judge import Judged
from tailrace.results.rubric_sheet import Annotation

from .builders import row

TEXTS = {("m", "r1"): "d1", ("m", "r2"): "d2", ("m", "r3"): "d3"}


def note(request: str, digest: str, annotator: str = "ann", **scores: int) -> Annotation:
    return Annotation(2, "m", "1", request, digest, annotator, "", scores, "")


def judged(request: str, digest: str, judge: str = "j", **more: object) -> Judged:
    return Judged("m", request, "1", digest, judge, **more)  # type: ignore[arg-type]


def test_nobody_said_anything() -> None:
    assert model_quality(Rubric([], [], TEXTS), "m") is None
    assert model_quality(Rubric([note("r1", "d1", tone=4)], [], TEXTS), "other") is None


def test_people_and_judge_are_merged_on_the_same_answers() -> None:
    people = [note("r1", "d1", tone=4, truth=5), note("r2", "d2", tone=2), note("r3", "d3")]
    lines = [
        judged("r1", "d1", scores={"tone": 4, "truth": 3}, input_tokens=10, output_tokens=2),
        judged("r2", "d2", scores={"tone": 3}),
        judged("r3", "d3", unscored={"tone": "not_json: no"}),
    ]
    found = model_quality(Rubric(people, lines, TEXTS), "m")
    assert found is not None
    tone, truth = found["facets"]
    assert (tone["facet"], truth["facet"]) == ("tone", "truth")
    assert (tone["human"]["n"], tone["human"]["mean"]) == (2, 3.0)
    of_judge = tone["judges"]["j"]
    assert (of_judge["n"], of_judge["mean"]) == (2, 3.5)
    assert of_judge["unscored"] == {"not_json": 1}
    agreement = of_judge["agreement"]
    assert (agreement["n"], agreement["exact"], agreement["within_one"]) == (2, 0.5, 1.0)
    assert agreement["too_few"] is True
    assert truth["judges"]["j"]["agreement"]["n"] == 1
    assert found["human_mean"] == (3.0 + 5.0) / 2
    assert found["judge_mean"] == (3.5 + 3.0) / 2
    assert found["annotations"] == {"rows": 3, "scored": 2, "stale": 0, "annotators": {"ann": 2}}
    (what,) = found["judges"]
    assert (what["requests"], what["scored"], what["unscored"]) == (3, 3, 1)
    assert (what["input_tokens"], what["requests_with_usage"]) == (10, 1)


def test_a_stale_score_counts_as_stale_and_nowhere_else() -> None:
    people = [note("r1", "old", tone=1), note("r2", "d2", tone=5)]
    lines = [judged("r1", "old", scores={"tone": 1})]
    found = model_quality(Rubric(people, lines, TEXTS), "m")
    assert found is not None
    assert found["facets"][0]["human"] == {"n": 1, "mean": 5, "sd": None}
    assert found["annotations"]["stale"] == 1
    assert found["judge_mean"] is None
    assert found["judges"] == []


def test_the_last_line_of_a_judge_wins() -> None:
    lines = [
        judged("r1", "d1", unscored={"tone": "timeout: late"}, error="timeout"),
        judged("r1", "d1", scores={"tone": 5}),
        judged("r1", "d1", "other", scores={"tone": 1}),
    ]
    found = model_quality(Rubric([], lines, TEXTS), "m")
    assert found is not None
    (tone,) = found["facets"]
    assert {judge: of["mean"] for judge, of in tone["judges"].items()} == {"j": 5, "other": 1}
    assert tone["judges"]["j"]["unscored"] == {}
    assert found["judges"][0]["failed_requests"] == 1


def test_two_people_make_two_pairs_with_the_judge() -> None:
    people = [note("r1", "d1", "ann", tone=4), note("r1", "d1", "bob", tone=5)]
    lines = [judged("r1", "d1", scores={"tone": 4})]
    found = model_quality(Rubric(people, lines, TEXTS), "m")
    assert found is not None
    assert found["facets"][0]["judges"]["j"]["agreement"]["n"] == 2


def test_a_judge_that_scored_nothing_leaves_no_mean() -> None:
    lines = [judged("r1", "d1", unscored={"tone": "empty: no"})]
    found = model_quality(Rubric([], lines, TEXTS), "m")
    assert found is not None
    assert (found["judge_mean"], found["human_mean"]) == (None, None)


def test_the_first_answers_of_each_prompt() -> None:
    rows = [
        row(50, id="late", prompt="b", text="x"),
        row(10, id="one", prompt="a", text="x"),
        row(20, id="two", prompt="a", text="x"),
        row(30, id="three", prompt="a", text="x"),
        row(5, id="warm", prompt="a", text="x", phase="warmup"),
        row(6, id="bad", prompt="a", text="x", outcome="error"),
        row(7, id="none", prompt="a"),
        row(8, id="next", prompt="a", text="x", stage=1),
    ]
    assert [one.id for one in chosen(rows, 2)] == ["one", "two", "late"]
    assert [one.id for one in chosen(rows, 9)] == ["one", "two", "three", "next", "late"]
