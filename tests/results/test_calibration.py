"""The error budget: which calibrated load answers for which, and files that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from tailrace.errors import ResultError
from tailrace.results.calibration import (
    FULL,
    bound_ms,
    budget,
    budget_from_dict,
    budget_line,
    calibration_from_dict,
    ceiling_of,
    error_budget,
    fits,
    worst,
)
from tailrace.results.files import RunFolder
from tailrace.results.stamp_facts import StampFacts

from .builders import calibrated_level, calibration, row, run_folder, stage

CALIBRATED = calibration(
    *(calibrated_level(256, 300_000), calibrated_level(1, 50_000), calibrated_level(16, 80_000))
)


@pytest.mark.parametrize(
    ("tokens_per_s", "users", "streams", "beyond"),
    [
        (0.0, 1, 1, False),
        (50.0, 1, 1, False),
        (52.0, 1, 1, False),  # the same load, a few per cent faster
        (53.0, 1, 16, False),
        (10.0, 2, 16, False),  # slow tokens, but more streams
        (500.0, 1, 16, False),
        (800.0, 16, 16, False),
        (100.0, 17, 256, False),
        (12_800.0, 256, 256, False),
        (100.0, 257, 256, True),
        (20_000.0, 8, 256, True),
    ],
)
def test_the_smallest_load_that_is_enough(
    tokens_per_s: float, users: int, streams: int, beyond: bool
) -> None:
    found = budget(CALIBRATED, tokens_per_s, users)
    assert (found.streams, found.beyond) == (streams, beyond)
    (level,) = (level for level in CALIBRATED.levels if level.streams == streams)
    assert (found.ttft_ns, found.gap_ns) == (level.ttft.p99_abs_ns, level.gap.p99_abs_ns)
    assert found.ceiling_share == pytest.approx(tokens_per_s / 100_000)


def test_the_line_says_bounds_date_and_share() -> None:
    assert budget_line(budget(CALIBRATED, 800.0, 16)) == (
        "TTFT ± 0.08 ms, gap ± 0.008 ms at this load "
        "(calibrated 2026-11-25, under 1 % of this client's ceiling)"
    )
    few = calibration(calibrated_level(64, 81_234, n=661))
    assert budget_line(budget(few, 12_000.0, 64)) == (
        "TTFT ± ~0.082 ms, gap ± ~0.009 ms beyond the calibrated range "
        "(calibrated 2026-11-25, 12 % of this client's ceiling)"
    )


@pytest.mark.parametrize(
    ("bound_ns", "text"),
    [
        *((0, "0"), (1, "0.001"), (1_001, "0.002"), (30_000, "0.03"), (30_001, "0.031")),
        *((81_234, "0.082"), (999_000, "1"), (1_234_567, "1.3"), (123_000_000, "130")),
    ],
)
def test_a_bound_is_never_rounded_down(bound_ns: int, text: str) -> None:
    assert bound_ms(bound_ns) == text


@pytest.mark.parametrize(
    ("client", "endpoint", "value", "how", "limit"),
    [
        (0.95, 0.5, 1_000.0, "measured", "client"),
        (FULL, 1.0, 1_000.0, "measured", "client"),
        (0.5, 0.95, 2_000.0, "extrapolated", "endpoint"),
        (0.25, 0.5, 4_000.0, "extrapolated", "neither"),
        (0.0, 0.0, 1_000.0, "measured", "neither"),
    ],
)
def test_a_ceiling_is_reached_or_extrapolated(
    client: float, endpoint: float, value: float, how: str, limit: str
) -> None:
    found = ceiling_of(1_000.0, client, endpoint, "")
    assert (found.value, found.how, found.limit) == (value, how, limit)
    assert found.reached == 1_000.0


def test_the_floor_comes_from_enough_samples() -> None:
    mixed = calibration(
        calibrated_level(1, 10, n=2),
        calibrated_level(16, 80),
        replace(calibrated_level(256, 300), gap=calibrated_level(1, 70).gap),
    )
    assert mixed.floor_ns == {"ttft": 80, "gap": 7, "e2e": 160}
    some = calibration(calibrated_level(1, 10, n=2), calibrated_level(16, 30, n=100))
    assert some.floor_ns["ttft"] == 30
    few = calibration(calibrated_level(1, 10, n=2), calibrated_level(16, 80, n=3))
    assert few.floor_ns["ttft"] == 80


@pytest.mark.parametrize(
    ("share", "cpu", "crowded"), [(1.0, 0.5, False), (0.8, 0.5, True), (0.8, 0.95, False)]
)
def test_a_crowded_machine_is_seen(share: float, cpu: float, crowded: bool) -> None:
    level = calibrated_level(16, 1, tokens_per_s=800.0 * share, client_cpu=cpu)
    assert calibration(level).crowded is crowded


def test_requests_that_fill_no_cpu_tell_of_a_crowd() -> None:
    idle = CALIBRATED.ceilings
    starved = replace(idle, requests_per_s=ceiling_of(5_000, 0.6, 0.6, ""))
    assert not CALIBRATED.crowded
    assert calibration(ceilings=starved).crowded


def test_the_worst_has_the_widest_bounds() -> None:
    budgets = [budget(CALIBRATED, rate, users) for rate, users in ((50, 1), (900, 20), (100, 16))]
    assert worst(budgets) == budgets[1]
    beyond = budget(CALIBRATED, 90_000, 1)
    assert worst([beyond, *budgets]) == beyond
    assert worst([]) is None


def test_a_document_comes_back_the_same() -> None:
    document = orjson.loads(orjson.dumps(CALIBRATED.to_dict()))
    assert document["schema"] == "tailrace.calibration/1"
    assert document["floor_ns"]["ttft"] == 50_000
    assert calibration_from_dict(document | {"later": 1}, "f") == CALIBRATED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "tailrace.calibration/2"}, "has schema 'tailrace.calibration/2'"),
        ({"levels": []}, "has no levels"),
        ({"levels": [{"streams": 1}]}, "missing required field"),
        ({"levels": None}, r"\$.levels"),
        ({"host": 3}, r"\$.host"),
        ({"ceilings": {}}, r"\$.ceilings"),
    ],
)
def test_what_is_no_calibration_is_named_in_one_sentence(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ResultError, match=f"^file f .*{said}"):
        calibration_from_dict(CALIBRATED.to_dict() | change, "file f")


@pytest.mark.parametrize("document", [None, [], "x", 3, {}])
def test_any_json_is_refused(document: Any) -> None:
    with pytest.raises(ResultError, match="has schema None"):
        calibration_from_dict(document, "f")


def test_a_ceiling_of_nought_is_refused() -> None:
    document = CALIBRATED.to_dict()
    document["ceilings"]["tokens_per_s"]["value"] = 0.0
    with pytest.raises(ResultError, match="ceiling is nought"):
        calibration_from_dict(document, "f")


@pytest.mark.parametrize("key", ["cpu", "cpus", "system", "machine", "loop", "stamps", "transport"])
def test_it_fits_one_machine_and_one_engine(key: str) -> None:
    host, engine = CALIBRATED.host | {"load_1m": 3.0}, CALIBRATED.engine
    assert fits(CALIBRATED, host, engine)
    assert not fits(CALIBRATED, host | {key: "other"}, engine | {key: "other"})


def test_no_budget_without_calibration_rate_or_the_same_stamps() -> None:
    assert error_budget(None, "kernel receive", 50.0, 1) is None
    assert error_budget(CALIBRATED, "kernel receive", None, 1) is None
    assert error_budget(CALIBRATED, "user-space read", 50.0, 1) is None
    values = error_budget(CALIBRATED, "kernel receive", 50.0, 1)
    assert orjson.loads(orjson.dumps(values)) == values
    assert budget_from_dict(values) == budget(CALIBRATED, 50.0, 1)
    assert budget_from_dict(None) is None


def calibrated_run(path: Path, document: dict[str, Any] | None) -> RunFolder:
    rows = [row(100 * k, id=f"r{k}") for k in range(5)]
    folder = run_folder(path, rows, calibration=document)
    facts = folder.read_facts()
    facts.models[0].stages = [stage(rows, stamps=StampFacts(kernel_reads=20))]
    folder.write_facts(facts)
    return folder


def test_a_run_keeps_its_calibration_and_rebuilds_to_the_same_bytes(tmp_path: Path) -> None:
    folder = calibrated_run(tmp_path / "r", CALIBRATED.to_dict())
    facts, (result,), _ = folder.rebuild()
    assert facts.calibration == CALIBRATED.to_dict()
    found = budget_from_dict(result["stages"][0]["error_budget"])
    assert found is not None
    assert (found.streams, found.beyond) == (1, False)
    report = (tmp_path / "r" / "report.md").read_text(encoding="utf-8")
    assert "Accuracy of this client: TTFT ± 0.05 ms, gap ± 0.005 ms at this load" in report
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    folder.rebuild()
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_without_one_says_nothing(tmp_path: Path) -> None:
    _, (result,), _ = calibrated_run(tmp_path / "r", None).rebuild()
    assert result["stages"][0]["error_budget"] is None
    assert "Accuracy" not in (tmp_path / "r" / "report.md").read_text(encoding="utf-8")


def test_a_broken_one_in_a_run_is_named(tmp_path: Path) -> None:
    folder = calibrated_run(tmp_path / "r", {"schema": "x"})
    with pytest.raises(ResultError, match=r"calibration in .*run\.json.* has schema 'x'"):
        folder.rebuild()
