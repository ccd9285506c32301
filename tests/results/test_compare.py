"""Compare: what is compared, what is refused and in which words, what is said beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.errors import UsageError
from tailrace.results.compare import BLURRED, Measured, blurred_of, compare
from tailrace.results.compare_level import Settings
from tailrace.results.facts import ModelFacts

from . import builders
from .test_compare_level import figures

SETTINGS = Settings(metrics=(("ttft", (50.0,)), ("icl", (50.0,)), ("error_rate", ())))
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
        compare(BASE, [other], SETTINGS)
    (pair,) = compare(BASE, [other], SETTINGS, allow_different=True).pairs
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
    assert compare(BASE, [run("B", 1, scenario=scenario)], SETTINGS).pairs[0].cells


def test_a_setting_that_only_one_version_knows_is_noted() -> None:
    (pair,) = compare(BASE, [run("B", 1, scenario={"novelty": 1})], SETTINGS).pairs
    assert "only one of the runs knows novelty: other versions" in pair.notes


def test_a_converted_run_is_told_in_one_line_instead_of_all_that_nobody_knows() -> None:
    theirs = run("B", 1, scenario={"phases": []}, converted="B: converted from a tool")
    theirs.facts.host.clear()
    for pair in (compare(BASE, [theirs], SETTINGS), compare(theirs, [BASE], SETTINGS)):
        notes = pair.pairs[0].notes
        assert notes[0] == "B: converted from a tool"
        assert not [note for note in notes if "host" in note or "only one" in note]


def test_invalid_runs_are_refused_or_marked() -> None:
    bad = run("B", 1, reasons=("books", "torn"))
    with pytest.raises(UsageError, match=r"B is INVALID \(books and 1 more\).*--allow-invalid"):
        compare(BASE, [bad], SETTINGS)
    (pair,) = compare(BASE, [bad], SETTINGS, allow_invalid=True).pairs
    assert "B is INVALID: books" in pair.notes


def test_no_common_model_or_level() -> None:
    with pytest.raises(UsageError, match="no model in common: m and n; name one of each"):
        compare(BASE, [run("B", 1, model="n")], SETTINGS)
    with pytest.raises(UsageError, match="no load level in common: 2, 8 and 16"):
        compare(BASE, [run("B", 1, loads=("16",))], SETTINGS)


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
    (pair,) = compare(one, [other], SETTINGS).pairs
    assert {cell.model for cell in pair.cells} == {"m / n"}


def test_the_correction_is_over_all_pairs() -> None:
    one = compare(BASE, [run("B", 1)], SETTINGS).pairs[0].cells[0]
    two = compare(BASE, [run("B", 1), run("C", 2)], SETTINGS).pairs[0].cells[0]
    assert one.p == two.p
    assert (two.p_adjusted or 0) >= (one.p_adjusted or 0)


def test_the_same_seed_gives_the_same_cells() -> None:
    assert compare(BASE, [run("B", 1)], SETTINGS) == compare(BASE, [run("B", 1)], SETTINGS)
