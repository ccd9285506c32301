"""Compare: what is compared, what is refused and in which words, what is said beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tailrace.errors import UsageError
from tailrace.results.compare import (
    BLURRED,
    Comparison,
    Measured,
    Pair,
    blurred_of,
    compare,
    load_of,
)
from tailrace.results.compare_cell import Cell, Verdict
from tailrace.results.compare_level import Settings
from tailrace.results.facts import ModelFacts

from . import builders
from .test_compare_level import figures

SETTINGS = Settings(metrics=(("ttft", (50.0,)), ("icl", (50.0,)), ("error_rate", ())))
QUICK = Settings(metrics=(("error_rate", ()),))
"""For what is told beside the figures: without a bootstrap."""
LEVELS = [{"users": 2, "warmup_s": 1.0, "duration_s": 9.0, "requests": None, "round": 0}]
SCENARIO: dict[str, Any] = {
    "base_url": "http://a/v1",
    "models": ["m"],
    "levels": [*LEVELS, LEVELS[0] | {"users": 8}],
    "prompts": ["Why?"],
    "max_tokens": 64,
    "salt": "aa",
}


def run(
    label: str,
    seed: int,
    scale: float = 1.0,
    scenario: dict[str, Any] | None = None,
    loads: tuple[str, ...] = ("2", "8"),
    model: str = "m",
    **more: Any,
) -> Measured:
    stages = [builders.stage([], index, load=load) for index, load in enumerate(("2", "8"))]
    facts = builders.facts(
        ModelFacts(model, model, "ok", stages=stages), scenario=SCENARIO | (scenario or {})
    )
    reasons = more.pop("reasons", ())
    levels = {
        model: {load: figures(10 * seed + place, 800, scale) for place, load in enumerate(loads)}
    }
    return Measured(label, facts, reasons, levels, **more)


BASE = run("A", 0)


def test_all_levels_of_both_are_compared() -> None:
    (pair,) = compare(BASE, [run("B", 1)], SETTINGS).pairs
    assert [(cell.load, cell.name) for cell in pair.cells] == [
        (load, name) for load in ("2", "8") for name in ("ttft p50", "icl p50", "error_rate")
    ]
    assert pair.verdict == "no difference"
    assert any("--rounds" in note for note in pair.notes)


def test_each_of_several_is_compared_with_the_base() -> None:
    found = compare(BASE, [run("B", 1), run("C", 2, scale=1.5)], SETTINGS)
    assert [(pair.other, pair.verdict) for pair in found.pairs] == [
        ("B", "no difference"),
        ("C", "worse"),
    ]
    assert {cell.metric for cell in found.worse} == {"ttft", "icl"}
    assert compare(run("C", 2, scale=1.5), [BASE], SETTINGS).pairs[0].verdict == "better"


def test_a_comparison_that_nothing_can_be_told_of() -> None:
    few = Settings(metrics=(("ttft", (99.9,)),))
    assert compare(BASE, [run("B", 1)], few).pairs[0].verdict == "cannot tell"


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ({"prompts": ["How?"]}, r'prompts \(\["Why\?"\] / \["How\?"\]\)'),
        ({"max_tokens": 8}, r"max_tokens \(64 / 8\)"),
        (
            {"levels": [LEVELS[0] | {"warmup_s": 3.0}, SCENARIO["levels"][1]]},
            r"warmup_s of level 2 \(1.0 / 3.0\)",
        ),
    ],
)
def test_what_was_asked_differently_is_refused_or_noted(
    scenario: dict[str, Any], said: str
) -> None:
    other = run("B", 1, scenario=scenario)
    with pytest.raises(UsageError, match=f"A and B cannot be compared.*{said}"):
        compare(BASE, [other], QUICK)
    (pair,) = compare(BASE, [other], QUICK, allow_different=True).pairs
    assert any(note.startswith("asked differently: ") for note in pair.notes)


@pytest.mark.parametrize(
    "scenario",
    [
        {"base_url": "http://b/v1"},
        {"salt": "bb"},
        {"levels": [level | {"duration_s": 60.0, "requests": 5} for level in SCENARIO["levels"]]},
        {"levels": SCENARIO["levels"][:1]},
    ],
)
def test_what_may_differ(scenario: dict[str, Any]) -> None:
    assert compare(BASE, [run("B", 1, scenario=scenario)], QUICK).pairs[0].cells


def test_a_setting_that_only_one_version_knows_is_noted() -> None:
    (pair,) = compare(BASE, [run("B", 1, scenario={"novelty": 1})], QUICK).pairs
    assert "only one of the runs knows novelty: other versions" in pair.notes


def test_a_converted_run_is_told_in_one_line_instead_of_all_that_nobody_knows() -> None:
    theirs = run("B", 1, scenario={"phases": []}, converted="B: converted from a tool")
    theirs.facts.host.clear()
    for pair in (compare(BASE, [theirs], QUICK), compare(theirs, [BASE], QUICK)):
        notes = pair.pairs[0].notes
        assert notes[0] == "B: converted from a tool"
        assert not [note for note in notes if "host" in note or "only one" in note]


def test_invalid_runs_are_refused_or_marked() -> None:
    bad = run("B", 1, reasons=("books", "torn"))
    with pytest.raises(UsageError, match=r"B is INVALID \(books and 1 more\).*--allow-invalid"):
        compare(BASE, [bad], QUICK)
    (pair,) = compare(BASE, [bad], QUICK, allow_invalid=True).pairs
    assert "B is INVALID: books" in pair.notes


def test_no_common_model_or_level() -> None:
    with pytest.raises(UsageError, match="no model in common: m and n; name one of each"):
        compare(BASE, [run("B", 1, model="n")], QUICK)
    with pytest.raises(UsageError, match="no load level in common: 2, 8 and 16"):
        compare(BASE, [run("B", 1, loads=("16",))], QUICK)


def test_a_figure_that_shared_reads_blur_cannot_be_told() -> None:
    blurred = run("B", 1, blurred=frozenset({("m", "8", "ttft p50")}))
    for base, other in ((BASE, blurred), (blurred, BASE)):
        cells = compare(base, [other], SETTINGS).pairs[0].cells
        assert [cell.load for cell in cells if cell.reason == BLURRED] == ["8"]
        assert all(cell.metric == "ttft" for cell in cells if cell.verdict == "cannot tell")


def test_blurred_figures_are_found_in_documents() -> None:
    def percentile(between_ns: list[int] | None) -> dict[str, Any]:
        return {"value_ns": 5, "between_ns": between_ns}

    figures = {"p50": percentile([10**6, 2 * 10**6]), "p99": percentile(None), "p90": {}}
    stage = {"load": "8", "metrics": {"icl": {"percentiles": figures}}}
    assert list(blurred_of([{"model": "m", "stages": [stage]}])) == [("m", "8", "icl p50")]


def test_models_named_one_by_one_need_no_common_name() -> None:
    one, other = run("A", 0, alone=True), run("B", 1, model="n", alone=True)
    (pair,) = compare(one, [other], QUICK).pairs
    assert {cell.model for cell in pair.cells} == {"m / n"}


def test_the_correction_is_over_all_pairs() -> None:
    one = compare(BASE, [run("B", 1)], SETTINGS).pairs[0].cells[0]
    two = compare(BASE, [run("B", 1), run("C", 2)], SETTINGS).pairs[0].cells[0]
    assert one.p == two.p
    assert (two.p_adjusted or 0) >= (one.p_adjusted or 0)


def test_the_same_seed_gives_the_same_cells() -> None:
    assert compare(BASE, [run("B", 1)], SETTINGS) == compare(BASE, [run("B", 1)], SETTINGS)


def notes(base: Measured, other: Measured, **allowed: bool) -> tuple[str, ...]:
    (pair,) = compare(base, [other], QUICK, **allowed).pairs
    assert (pair.base, pair.other) == (base.label, other.label)
    return pair.notes


ONCE = (
    "levels were measured once: what changes from run to run, like the machine's mood, is in no "
    "interval; --rounds 3 on both sides shows it"
)
ROUNDS = {"levels": [level | {"round": n} for n, level in enumerate(SCENARIO["levels"])]}


def test_the_same_run_twice_leaves_nothing_to_say_but_that_it_was_measured_once() -> None:
    assert notes(BASE, run("B", 1)) == (ONCE,)


def test_levels_of_several_rounds_on_both_sides_are_not_called_measured_once() -> None:
    several = run("A", 0, scenario=ROUNDS)
    assert notes(several, run("B", 1, scenario=ROUNDS)) == ()
    assert ONCE in notes(several, run("B", 1))
    assert ONCE in notes(run("B", 1), several)
    assert run("A", 0, scenario={"levels": None}).single
    assert run("A", 0, scenario={"levels": ["a text"]}).single


def test_machines_and_engines_that_differ_are_told_key_by_key() -> None:
    other = run("B", 1)
    other.facts.host |= {"cpu": "d", "cores": 8, "load_1m": 3.0, "ephemeral_ports": 5}
    other.facts.engine.clear()
    assert notes(BASE, other)[:-1] == (
        'host: cpu differs ("c" / "d")',
        "host: cores differs (null / 8)",
        'engine: loop differs ("asyncio" / null)',
    )


def test_settings_that_only_one_side_knows_are_told_in_order_but_those_that_may_differ() -> None:
    newer = run("B", 1, scenario={"novelty": 1, "breadth": 2, "label": "x"})
    said = "only one of the runs knows breadth, novelty: other versions"
    assert notes(BASE, newer)[:-1] == notes(newer, BASE)[:-1] == (said,)


def test_what_is_said_comes_in_order_of_weight() -> None:
    base = run("A", 0, reasons=("torn",))
    other = run("B", 1, scenario={"max_tokens": 8, "novelty": 1}, reasons=("books", "lost"))
    assert notes(base, other, allow_different=True, allow_invalid=True) == (
        "asked differently: max_tokens (64 / 8)",
        *("A is INVALID: torn", "B is INVALID: books", "B is INVALID: lost"),
        "only one of the runs knows novelty: other versions",
        ONCE,
    )


def test_the_whole_sentence_of_a_refusal() -> None:
    other = run("B", 1, scenario={"max_tokens": 8, "prompts": ["How?"]})
    with pytest.raises(UsageError) as caught:
        compare(BASE, [other], QUICK)
    text = str(caught.value)
    assert text.startswith("A and B cannot be compared, they were not asked the same: ")
    assert "max_tokens (64 / 8)" in text
    assert "; " in text.split("same: ")[1]
    assert text.endswith("; run one again with the other's settings, or --allow-different")
    with pytest.raises(UsageError) as caught:
        compare(run("A", 0, reasons=("torn",)), [BASE], QUICK)
    assert str(caught.value) == (
        "A is INVALID (torn): its figures prove nothing; run it again, or --allow-invalid"
    )
    with pytest.raises(UsageError, match=r"B is INVALID \(a and 2 more\)"):
        compare(BASE, [run("B", 1, reasons=("a", "b", "c"))], QUICK)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (
            [LEVELS[0] | {"users": 3, "warmup_s": 2.0}, SCENARIO["levels"][1]],
            ["users of level 2 (2 / 3)", "warmup_s of level 2 (1.0 / 2.0)"],
        ),
        (
            [SCENARIO["levels"][0], LEVELS[0] | {"users": 8, "ramp_s": 4}],
            ["ramp_s of level 8 (null / 4)"],
        ),
        ([{"users": 2}, SCENARIO["levels"][1]], ["warmup_s of level 2 (1.0 / null)"]),
        (["a text", SCENARIO["levels"][1]], []),
        (None, []),
    ],
)
def test_levels_are_alike_but_for_how_long_they_were_measured(
    levels: list[Any] | None, said: list[str]
) -> None:
    other = run("B", 1, scenario={"levels": levels})
    found = notes(BASE, other, allow_different=True)
    assert [note for note in found if note.startswith("asked")] == [
        f"asked differently: {one}" for one in said
    ]


def test_a_level_is_called_by_its_load_its_users_or_its_number() -> None:
    stages = [builders.stage([], 0, load="4/s"), builders.stage([], 1, users=3, load="")]
    facts = builders.facts(
        ModelFacts("a", "a", "skipped"), ModelFacts("m", "m", "ok", stages=stages)
    )
    assert [load_of(facts, index) for index in (0, 1, 2)] == ["4/s", "3", "number 3"]


def test_levels_and_models_that_only_one_side_has_are_left_out() -> None:
    other = run("B", 1, loads=("8", "16"))
    (pair,) = compare(BASE, [other], QUICK).pairs
    assert [(cell.model, cell.load) for cell in pair.cells] == [("m", "8")]
    more = replace(BASE, levels={**BASE.levels, "n": BASE.levels["m"], "o": BASE.levels["m"]})
    assert "B has no n, o: not compared" in notes(more, other)
    assert not any("has no" in note for note in notes(other, more))
    one = run("B", 1, model="n", alone=True)
    assert not any("has no" in note for note in notes(replace(BASE, alone=True), one))
    with pytest.raises(UsageError, match="no model in common"):
        compare(BASE, [one], QUICK)
    same = compare(replace(BASE, alone=True), [run("B", 1, alone=True)], QUICK)
    assert {cell.model for cell in same.pairs[0].cells} == {"m"}


def test_a_run_that_measured_nothing_is_told_so() -> None:
    with pytest.raises(UsageError) as caught:
        compare(BASE, [replace(BASE, label="B", levels={})], QUICK)
    assert str(caught.value) == (
        "A and B have no model in common: m and none; name one of each, as RUN:MODEL"
    )
    with pytest.raises(UsageError) as caught:
        compare(BASE, [replace(BASE, label="B", levels={"m": {}})], QUICK)
    assert str(caught.value) == "A and B have no load level in common: 2, 8 and none"


def test_two_converted_runs_are_both_told() -> None:
    one, two = run("A", 0, converted="A: converted"), run("B", 1, converted="B: converted")
    assert notes(one, two)[:2] == ("A: converted", "B: converted")


def test_a_blurred_figure_without_a_test_keeps_its_own_reason() -> None:
    blurred = run("B", 1, blurred=frozenset({("m", "8", "ttft p99.9"), ("m", "2", "ttft p50")}))
    settings = Settings(metrics=(("ttft", (50.0, 99.9)),))
    cells = compare(BASE, [blurred], settings).pairs[0].cells
    assert {(cell.load, cell.name) for cell in cells if cell.reason == BLURRED} == {
        ("2", "ttft p50")
    }
    assert all(cell.p is None for cell in cells if cell.reason == BLURRED)
    assert "too few samples" in next(
        cell.reason for cell in cells if (cell.load, cell.name) == ("8", "ttft p99.9")
    )


def test_a_pair_is_as_bad_as_its_worst_cell_and_the_worse_ones_are_of_all_pairs() -> None:
    def pair(*verdicts: Verdict) -> Pair:
        cells = tuple(Cell("m", str(n), verdict=one) for n, one in enumerate(verdicts))
        return Pair("A", "B", cells, ())

    none = "no difference"
    mixed, good = pair(none, "worse", "better"), pair("cannot tell", "better", none)
    assert (mixed.verdict, good.verdict) == ("worse", "better")
    assert pair("cannot tell", none).verdict == none
    assert pair("cannot tell").verdict == pair().verdict == "cannot tell"
    worse = Comparison(QUICK, (good, mixed, pair("worse"))).worse
    assert [(cell.load, cell.verdict) for cell in worse] == [("1", "worse"), ("0", "worse")]
