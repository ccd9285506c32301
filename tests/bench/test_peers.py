"""What each peer writes is read rightly, from small files of the shape that it writes; its job
holds the numbers asked for; and the tokenizer knows the endpoint's words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tailrace.simulate import chunks

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def bench_on_the_path() -> Iterator[None]:
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def peer(bench_on_the_path: None) -> ModuleType:
    import peer

    return peer


def write(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def guidellm_wrote(folder: Path) -> None:
    def metric(p50: float, p99: float) -> dict[str, Any]:
        percentiles = {"p01": 1.0, "p50": p50, "p95": p99 - 1, "p99": p99, "p999": p99 + 9}
        empty = {"percentiles": {"p50": 0.0, "p99": 0.0}, "count": 0}
        return {
            "successful": {"median": p50, "percentiles": percentiles, "count": 7},
            "errored": empty,
        }

    metrics = {
        "request_totals": {"successful": 7, "errored": 1, "incomplete": 2, "total": 10},
        "time_to_first_token_ms": metric(201.5, 250.0),
        "inter_token_latency_ms": metric(20.25, 24.0),
        "time_per_output_token_ms": metric(23.0, 25.0),
    }
    benchmark = {"type_": "generative_benchmark", "metrics": metrics, "duration": 6.5}
    write(folder / "out.json", {"metadata": {"version": 2}, "benchmarks": [benchmark]})


def aiperf_wrote(folder: Path) -> None:
    found = {
        "schema_version": "1.4",
        "request_count": {"unit": "requests", "avg": 7.0},
        "time_to_first_token": {"unit": "ms", "avg": 210.0, "p50": 201.5, "p99": 250.0},
        "inter_token_latency": {"unit": "ms", "avg": 20.0, "p50": 20.0, "p99": 21.0},
        "inter_chunk_latency": {"unit": "ms", "avg": 20.0, "p1": 0.0, "p50": 20.25, "p99": 24.0},
    }
    write(folder / "out" / "profile_export_aiperf.json", found)


def inference_perf_wrote(folder: Path) -> None:
    latency = {
        "time_to_first_token": {"mean": 0.2, "p95": 0.24, "median": 0.2015, "p99": 0.25},
        "time_per_output_token": {"mean": 0.02, "median": 0.02, "p99": 0.021},
        "inter_token_latency": {"mean": 0.02, "median": 0.02025, "p99": 0.024, "p99.9": 0.03},
    }
    found = {"successes": {"count": 7, "latency": latency}, "failures": {"count": 3}}
    write(folder / "out" / "summary_lifecycle_metrics.json", found)


def evalscope_wrote(folder: Path) -> None:
    place = folder / "out" / "sim" / "parallel_4_number_10"
    rows = [
        {"Percentiles": percent, "TTFT (ms)": ttft, "ITL (ms)": gap, "TPOT (ms)": 20.0}
        for percent, ttft, gap in (("min", 190.0, 1.0), ("50%", 201.5, 20.25), ("99%", 250.0, 24.0))
    ]
    write(place / "benchmark_percentile.json", rows)
    summary = {"Total Requests": 10, "Success Requests": 7, "Avg TTFT (ms)": 210.0}
    write(place / "benchmark_summary.json", summary)


WROTE: dict[str, Callable[[Path], None]] = {
    "guidellm": guidellm_wrote,
    "aiperf": aiperf_wrote,
    "inference-perf": inference_perf_wrote,
    "evalscope": evalscope_wrote,
}
GAPS = {"guidellm": "mean of a request"}
FIGURES = {"ttft_p50": 201.5e6, "ttft_p99": 250e6, "gap_p50": 20.25e6, "gap_p99": 24e6}


def by_name(peer: ModuleType, name: str) -> Any:
    return next(each for each in peer.PEERS if each.name == name)


def test_every_peer_has_a_fixture(peer: ModuleType) -> None:
    assert {each.name for each in peer.PEERS} == set(WROTE)


@pytest.mark.parametrize("name", WROTE)
def test_a_result_is_read(peer: ModuleType, name: str, tmp_path: Path) -> None:
    WROTE[name](tmp_path)
    said = by_name(peer, name).read(tmp_path)
    assert said.ok == 7
    assert said.figures == pytest.approx(FIGURES)
    assert said.gap == GAPS.get(name, "each gap")


@pytest.mark.parametrize("name", WROTE)
def test_a_missing_result_raises_what_the_run_catches(
    peer: ModuleType, name: str, tmp_path: Path
) -> None:
    with pytest.raises((OSError, ValueError, LookupError, TypeError)):
        by_name(peer, name).read(tmp_path)


def test_a_unit_that_changed_is_refused(peer: ModuleType, tmp_path: Path) -> None:
    aiperf_wrote(tmp_path)
    path = tmp_path / "out" / "profile_export_aiperf.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"ms"', '"s"'), encoding="utf-8")
    with pytest.raises(ValueError, match="not ms"):
        by_name(peer, "aiperf").read(tmp_path)


@pytest.mark.parametrize("name", WROTE)
def test_a_command_asks_for_the_job(peer: ModuleType, name: str, tmp_path: Path) -> None:
    job = peer.Job("http://127.0.0.1:1234/v1", streams=31, requests=977, tokens=53)
    command = by_name(peer, name).command(job, tmp_path / "tokenizer", tmp_path)
    text = " ".join(command)
    for path in tmp_path.glob("config.yml"):
        text += path.read_text(encoding="utf-8")
    for wanted in ("127.0.0.1:1234", "31", "977", "53", str(tmp_path / "tokenizer")):
        assert wanted in text


def test_the_tokenizer_has_a_token_for_each_word_of_the_endpoint(
    bench_on_the_path: None, tmp_path: Path
) -> None:
    from tokenizer import END, write_tokenizer

    folder = write_tokenizer(tmp_path / "tokenizer", chunks.WORDS)
    model = json.loads((folder / "tokenizer.json").read_bytes())
    vocabulary = model["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    assert set(chunks.text(chunks.CYCLE).split()) <= set(vocabulary)
    assert model["model"]["unk_token"] in vocabulary
    assert model["added_tokens"][0]["id"] == vocabulary[END]
    assert json.loads((folder / "tokenizer_config.json").read_bytes())["eos_token"] == END


def record(start: int, writes: list[int], end: str = "done", name: str = "1") -> dict[str, Any]:
    times = {"received_ns": start - 5, "started_ns": start, "done_ns": writes[-1] + 1}
    return times | {"id": name, "tokens": len(writes), "end": end, "writes_ns": writes}


def test_a_client_is_judged_by_its_own_definition_of_a_gap(
    bench_on_the_path: None, peer: ModuleType
) -> None:
    pytest.importorskip("psutil")
    from outcome import Outcome, judge, report

    rows = [
        record(100, [300, 310, 340]),
        record(200, [400, 420, 420]),
        record(90, [95, 96, 97], name="tailrace-cold"),
        record(300, [301], end="left"),
    ]
    truth = {"requests": rows, "max_in_flight": 2, "connections": 2}
    job = peer.Job("http://127.0.0.1:1/v1", 2, 2, 3)
    said = {"ttft_p50": 200.0, "ttft_p99": 200.0, "gap_p50": 10.0, "gap_p99": 30.0}
    single, mean = (Outcome(name, cpu_s=1.0, wall_s=2.0) for name in "ab")
    judge(single, job, peer.Said(2, dict(said)), truth)
    judge(mean, job, peer.Said(2, dict(said), "mean of a request"), truth)
    assert (single.requests, single.probes, single.tokens) == (2, 1, 10)
    assert single.true_ns == {"ttft_p50": 200, "ttft_p99": 200, "gap_p50": 10, "gap_p99": 30}
    assert mean.true_ns == {"ttft_p50": 200, "ttft_p99": 200, "gap_p50": 10, "gap_p99": 20}
    text = report(job, [single, mean, Outcome("c", reason="not installed: no such thing")])
    assert "| 2 + 1 " in text
    assert "not installed: no such thing" in text


def test_the_run_that_others_struck_least_is_shown(bench_on_the_path: None) -> None:
    pytest.importorskip("psutil")
    from outcome import Outcome
    from peers import least_disturbed

    def after(*others_s: float) -> list[str]:
        left = [Outcome(str(each), others_s=each, wall_s=1.0) for each in others_s]
        found = least_disturbed(lambda: left.pop(0), 3, 0)
        return [each.client for each in found]

    assert after(0.5, 0.2, 0.4, 0.0) == ["0.2", "0.4", "0.5"]
    assert after(0.5, 0.01, 0.0) == ["0.01", "0.5"]
    failed = Outcome("f", reason="ended with 1")
    assert least_disturbed(lambda: failed, 3, 0) == [failed]
