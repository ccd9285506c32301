"""What people and judges made of answers, merged: means, unscored, stale, pairs."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as replaced

from tailrace.results.rubric import Rubric, chosen, model_quality, sample_of
from tailrace.results.rubric_judge import Judged
from tailrace.results.rubric_sheet import Annotation, Sample

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


def test_the_whole_document_of_a_model() -> None:
    """Two people, two judges; stale and empty rows, another model's, and a request that failed."""
    people = [
        note("r1", "d1", "bob", tone=4, truth=5),
        note("r2", "d2", "ann", tone=2),
        note("r3", "d3", "", tone=3),
        note("r2", "old", "bob", tone=1),
        note("r1", "d1", "zoe"),
        replace(note("r9", "d9", "eve", tone=1), model="else"),
    ]
    lines = [
        judged("r1", "d1", "k", scores={"tone": 4, "truth": 3}, input_tokens=10, output_tokens=2),
        judged(
            "r2", "d2", "k", unscored={"tone": "empty: it said nothing"}, elapsed_ns=1_234_567_890
        ),
        judged("r3", "d3", "k", unscored={"tone": "empty"}, error="timeout", input_tokens=7),
        judged("r2", "d2", "j", scores={"tone": 5}, elapsed_ns=500_000),
        judged("r2", "old", "j", scores={"tone": 1}, input_tokens=1),
        judged("r2", "d2", "gone", scores={"depth": 1}),
        replaced(judged("r1", "d1", "k", scores={"tone": 1}), model="else"),
    ]
    found = model_quality(Rubric(people, lines, TEXTS), "m")
    none = {"n": 0, "exact": None, "within_one": None, "kappa": None, "too_few": True}
    blank = {"n": 0, "mean": None, "sd": None, "unscored": {}, "agreement": none}

    def agreed(n: int, exact: float, within_one: float, kappa: float | None) -> dict[str, object]:
        found = {"n": n, "exact": exact, "within_one": within_one, "kappa": kappa}
        return found | {"too_few": True}

    assert found == {
        "facets": [
            {
                "facet": "tone",
                "human": {"n": 3, "mean": 3, "sd": 1.0},
                "judges": {
                    "k": {
                        **{"n": 1, "mean": 4, "sd": None, "unscored": {"empty": 2}},
                        "agreement": agreed(1, 1.0, 1.0, None),
                    },
                    "j": {
                        **{"n": 1, "mean": 5, "sd": None, "unscored": {}},
                        "agreement": agreed(1, 0.0, 0.0, 0.0),
                    },
                    "gone": blank,
                },
            },
            {
                "facet": "truth",
                "human": {"n": 1, "mean": 5, "sd": None},
                "judges": {
                    "k": {
                        **{"n": 1, "mean": 3, "sd": None, "unscored": {}},
                        "agreement": agreed(1, 0.0, 0.0, 0.0),
                    },
                    "j": blank,
                    "gone": blank,
                },
            },
            {
                "facet": "depth",
                "human": {"n": 0, "mean": None, "sd": None},
                "judges": {
                    "k": blank,
                    "j": blank,
                    "gone": {
                        **{"n": 1, "mean": 1, "sd": None, "unscored": {}},
                        "agreement": none,
                    },
                },
            },
        ],
        "annotations": {
            "rows": 5,
            "scored": 4,
            "stale": 1,
            "annotators": {"(not named)": 1, "ann": 1, "bob": 2},
        },
        "judges": [
            {
                **{"judge": "k", "requests": 3, "answers": 3, "scored": 2, "unscored": 2},
                **{"failed_requests": 1, "requests_with_usage": 2},
                **{"input_tokens": 17, "output_tokens": 2, "seconds": 1.235},
            },
            {
                **{"judge": "j", "requests": 2, "answers": 2, "scored": 1, "unscored": 0},
                **{"failed_requests": 0, "requests_with_usage": 1},
                **{"input_tokens": 1, "output_tokens": 0, "seconds": 0.001},
            },
            {
                **{"judge": "gone", "requests": 1, "answers": 1, "scored": 1, "unscored": 0},
                **{"failed_requests": 0, "requests_with_usage": 0},
                **{"input_tokens": None, "output_tokens": None, "seconds": 0.0},
            },
        ],
        "human_mean": 4.0,
        "judge_mean": 3.25,
    }
    annotators = found["annotations"]["annotators"]
    assert list(annotators) == ["(not named)", "ann", "bob"]


def test_reasons_without_a_score_are_counted_by_class_and_sorted() -> None:
    lines = [
        judged(f"r{number}", f"d{number}", unscored={"tone": why})
        for number, why in ((1, "timeout: late: very"), (2, "empty: no"), (3, "timeout: other"))
    ]
    found = model_quality(Rubric([], lines, TEXTS), "m")
    assert found is not None
    unscored = found["facets"][0]["judges"]["j"]["unscored"]
    assert list(unscored.items()) == [("empty", 1), ("timeout", 2)]


def test_means_have_six_decimals() -> None:
    people = [note("r1", "d1", tone=1), note("r2", "d2", tone=1), note("r3", "d3", tone=2)]
    lines = [judged(f"r{n}", f"d{n}", scores={"tone": 1 + (n > 1)}) for n in (1, 2, 3)]
    found = model_quality(Rubric(people, lines, TEXTS), "m")
    assert found is not None
    assert (found["human_mean"], found["judge_mean"]) == (1.333333, 1.666667)


def test_a_row_as_a_thing_to_score() -> None:
    found = sample_of("m", row(1, id="r", prompt="p", text="said"), ("tone", "truth"))
    assert found == Sample("m", "r", "p", "said", ("tone", "truth"))
    assert sample_of("m", row(1, id="r", prompt="p"), ()).text == ""


def test_equal_starts_are_taken_by_their_ids() -> None:
    rows = [row(10, id=name, prompt="a", text="x") for name in "cab"]
    assert [one.id for one in chosen(rows, 2)] == ["a", "b"]
    assert chosen(rows, 0) == []
