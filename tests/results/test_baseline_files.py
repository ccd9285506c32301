"""Baselines: what is packed comes back, and what is not one says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tailrace.errors import ResultError, UsageError
from tailrace.results.baseline_files import (
    baseline_path,
    list_baselines,
    packed,
    read_note,
    remove_baseline,
    require_baseline,
    unpacked,
    write_baseline,
)
from tailrace.results.compare_figures import Figures
from tailrace.results.compare_files import read_levels

from .builders import S, row, run_folder, waited
from .test_compare_level import figures

ROWS = [row(n, 100 + n, (10, 20), id=str(n)) for n in range(20)] + [waited("timeout", 500)]


def same(one: Figures, other: Figures) -> bool:
    for name, samples in one.samples.items():
        there = other.samples[name]
        if samples.bound_us != there.bound_us:
            return False
        np.testing.assert_array_equal(samples.values_us, there.values_us)
        np.testing.assert_array_equal(samples.counts, there.counts)
    for field in ("failed", "slice_s", "slice_tokens", "slice_answers"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    return one.tokens_known == other.tokens_known


def test_what_is_packed_comes_back_and_is_small() -> None:
    levels = {"8": figures(0), "50/s": replace(figures(1), tokens_known=False)}
    data = packed(levels)
    found = unpacked(data, "x")
    assert list(found) == ["8", "50/s"]
    assert all(same(levels[load], found[load]) for load in levels)
    assert packed(levels) == data
    samples = sum(len(s.values_us) for f in levels.values() for s in f.samples.values())
    assert len(data) < 4 * samples


def test_values_that_need_64_bits_keep_them() -> None:
    one = figures(0)
    long = replace(one.samples["ttft"], values_us=one.samples["ttft"].values_us + 2**40)
    levels = {"8": replace(one, samples={**one.samples, "ttft": long})}
    assert same(levels["8"], unpacked(packed(levels), "x")["8"])


@pytest.mark.parametrize("data", [b"", b"no zip", packed({"8": figures(0, n=20)})[:-40]])
def test_what_is_no_baseline(data: bytes) -> None:
    with pytest.raises(ResultError, match="'f' does not hold a baseline's figures"):
        unpacked(data, "'f'")


def test_set_list_read_replace_remove(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", ROWS)
    facts, _, _ = folder.rebuild()
    levels = read_levels(folder.path, facts)
    parent = tmp_path / "kept"
    path = write_baseline(parent, "main", folder.path, facts, levels)
    assert sorted(str(f.relative_to(path)) for f in path.rglob("*") if f.is_file()) == sorted(
        ["baseline.json", "run.json", str(Path("m", "result.json")), str(Path("m", "figures.npz"))]
    )
    assert same(read_levels(path, facts)["m"]["1"], levels["m"]["1"])
    write_baseline(parent, "main", folder.path, facts, levels)
    write_baseline(parent, "b", folder.path, facts, levels)
    assert [(note.name, note.run, note.models) for note, _ in list_baselines(parent)] == [
        ("b", "run", ["m"]),
        ("main", "run", ["m"]),
    ]
    assert remove_baseline(parent, "b") == parent / "b"
    assert sorted(each.name for each in parent.iterdir()) == ["main"]
    with pytest.raises(UsageError, match=r"no baseline 'b' in .*there is: main.*--name b"):
        require_baseline(parent, "b")


def test_names_and_notes_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a folder's name; 'x-y' can"):
        baseline_path(tmp_path, "../x/y")
    with pytest.raises(ResultError, match=r"is not a baseline: baseline\.json"):
        read_note(tmp_path)
    (tmp_path / "baseline.json").write_text('{"schema": 1}', encoding="utf-8")
    with pytest.raises(ResultError, match="is not a baseline's note"):
        read_note(tmp_path)


def test_levels_of_rounds_are_joined_and_unmeasured_ones_left_out(tmp_path: Path) -> None:
    rows = [row(n, 100, (1,), id=f"{n}", stage=n % 2) for n in range(10)]
    folder = run_folder(tmp_path / "run", rows, stages=3)
    facts = folder.read_facts()
    for stage in facts.models[0].stages:
        stage.load, stage.measure_until_ns = "4", S
    (found,) = read_levels(folder.path, facts).values()
    assert list(found) == ["4"]
    assert len(found["4"].failed) == 10
    assert len(found["4"].slice_s) == 64
