"""The facts of a broken run, as those of a run that goes on."""

from __future__ import annotations

import pytest

from tailrace.errors import UsageError
from tailrace.results.facts import ModelFacts, Resumption, RunFacts
from tailrace.results.resume import go_on, last_ns, require_place, require_resumable, set_aside

from .builders import MS, S, facts, row, stage


def queue() -> RunFacts:
    """One model finished, one failed, one in the middle of its second level, one not begun."""
    done = [stage([row()], 0), stage([row()], 1)]
    cut = stage([row()], 0, ended_ns=4 * S, cut=True)
    return facts(
        ModelFacts("done", "done", "ok", stages=done),
        ModelFacts("bad", "bad", "failed", "server_ended", "its server ended", stages=[cut]),
        ModelFacts(
            "half",
            "half",
            step="run",
            stages=[stage([row()], 0), stage([], 1, began_ns=9 * S, ended_ns=None)],
        ),
        ModelFacts("next", "next"),
        ended=None,
    )


def test_what_was_finished_stays_and_the_rest_is_set_aside() -> None:
    run = queue()
    set_aside(run)
    done, bad, half, following = run.models
    assert ([each.index for each in done.stages], done.status, done.set_aside) == ([0, 1], "ok", [])
    assert (len(bad.stages), bad.status, bad.error) == (1, "failed", "its server ended")
    assert [each.index for each in half.stages] == [0]
    assert [each.index for each in half.set_aside] == [1]
    assert (half.status, half.step) == ("running", None)
    assert following.status == "running"
    set_aside(run)  # what was broken off here can be done again
    assert [each.index for each in half.set_aside] == [1]


def test_a_level_that_was_cut_short_is_not_finished_nor_is_one_behind_it() -> None:
    model = ModelFacts("m", "m", "interrupted", stages=[stage([], 0, cut=True), stage([], 1)])
    run = facts(model, ended="interrupted")
    set_aside(run)
    assert (model.stages, len(model.set_aside)) == ([], 2)


@pytest.mark.parametrize(
    ("more", "after"),
    [
        ({"ended": None}, "killed"),
        ({"ended": "interrupted"}, "interrupted"),
        ({"ended": "complete", "lost_workers": ["w"]}, "left by a worker"),
    ],
)
def test_a_sitting_is_noted(more: dict[str, object], after: str) -> None:
    run = facts(**more)  # type: ignore[arg-type]
    require_resumable(run, "'r'")
    assert run.sitting == 0
    go_on(run, Resumption(1, "2026-11-25T00:00:00Z", 5 * S, 1, 2, ""))
    assert (run.sitting, run.ended, run.lost_workers) == (1, None, [])
    assert run.resumptions[0].after == after
    assert run.resumptions[0].lost_workers == more.get("lost_workers", [])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ended": "complete"}, "'r' is complete: nothing is left to resume"),
        (
            {"ended": "aborted", "abort_reason": "too many"},
            "'r' was aborted by its own rule (too many) and would be again; start a new run",
        ),
        (
            {"ended": None, "scenario": {"search": {"kind": "users"}}},
            "'r' searched for a limit, which is not resumed; start it anew",
        ),
    ],
)
def test_a_run_with_nothing_left_is_refused(more: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_resumable(facts(**more), "'r'")  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_the_latest_moment_is_of_any_level_or_sitting() -> None:
    run = queue()
    assert last_ns(run) == 9 * S
    set_aside(run)
    assert last_ns(run) == 9 * S
    go_on(run, Resumption(1, "", 11 * S + MS, 1, 2, ""))
    assert last_ns(run) == 11 * S + MS
    assert last_ns(facts()) == 0
    times = {"began_ns": 1, "measure_from_ns": 5 * S, "ended_ns": None}
    assert last_ns(facts(ModelFacts("m", "m", stages=[stage([], **times)]))) == 5 * S
    times = {"began_ns": 0, "measure_from_ns": None, "ended_ns": None}
    assert last_ns(facts(ModelFacts("m", "m", stages=[stage([], **times)]))) == 0


def test_the_nodes_of_a_sitting_are_kept_with_it() -> None:
    run = facts(ModelFacts("m", "m"), fleet=[{"worker": 1, "node": "a"}])
    go_on(run, Resumption(1, "2026-11-20T15:00:00.000Z", 9 * S, 5, 6, ""))
    assert run.resumptions[0].fleet == [{"worker": 1, "node": "a"}]
    assert run.fleet == []


@pytest.mark.parametrize(
    "more", [{"fleet": [{"worker": 1, "node": "a"}]}, {"options": {"fleet": "ray"}}]
)
def test_one_machine_does_not_go_on_for_a_cluster(more: dict[str, object]) -> None:
    run = facts(ModelFacts("m", "m"), **more)
    require_place(run, True, "'r'")
    with pytest.raises(UsageError, match=r"^'r' had its workers on a cluster.*--fleet$"):
        require_place(run, False, "'r'")
    require_place(facts(ModelFacts("m", "m"), options={"fleet": None}), False, "'r'")
