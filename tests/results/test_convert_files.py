"""Foreign results become runs: their own figures are found again, and gaps in them are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tailrace.errors import ResultError
from tailrace.results.convert_files import convert, read_foreign

from ..command import ROOT
from .builders import MS

FOREIGN = ROOT / "tests/fixtures/foreign"
GUIDELLM = FOREIGN / "guidellm-0.8.1.json"
AIPERF = FOREIGN / "aiperf-0.13.0"
VLLM = FOREIGN / "vllm-detailed.json"


def stage_of(path: Path, out: Path) -> dict[str, Any]:
    _, (result,), verdict = convert(path, "auto", out).rebuild()
    assert verdict.word == "CONVERTED"
    (stage,) = result["stages"]
    assert stage["audit"][0]["value"] == "none"
    return stage


def test_aiperf(tmp_path: Path) -> None:
    stage = stage_of(AIPERF, tmp_path)
    summary = json.loads((AIPERF / "profile_export_aiperf.json").read_bytes())
    for ours, theirs in (
        ("ttft", "time_to_first_token"),
        ("icl", "inter_chunk_latency"),
        ("e2e", "request_latency"),
    ):
        metric, wanted = stage["metrics"][ours], summary[theirs]
        assert metric["mean_ns"] == pytest.approx(wanted["avg"] * MS, rel=1e-6)
        assert metric["max_ns"] == pytest.approx(wanted["max"] * MS, rel=1e-6)
    assert (stage["users"], stage["counts"]["measured"]["ok"]) == (2, 7)
    assert stage["errors"] == {"http_500": 1}
    assert stage["tokens"]["source"] == {"usage": 7}


def test_aiperfs_mean_of_a_request_is_no_gap(tmp_path: Path) -> None:
    shutil.copytree(AIPERF, tmp_path / "theirs")
    records = tmp_path / "theirs/profile_export.jsonl"
    lines = [json.loads(line) for line in records.read_bytes().splitlines()]
    for line in lines:
        if (metric := line["metrics"].get("inter_chunk_latency")) is not None:
            metric["value"] = fmean(metric["value"])
    records.write_text("\n".join(map(json.dumps, lines)))
    stage = stage_of(tmp_path / "theirs", tmp_path / "ours")
    assert {name: stage["metrics"][name]["n"] for name in ("ttft", "icl")} == {"ttft": 7, "icl": 0}


def test_guidellm_knows_no_gaps(tmp_path: Path) -> None:
    stage = stage_of(GUIDELLM, tmp_path)
    requests = json.loads(GUIDELLM.read_bytes())["benchmarks"][0]["requests"]["successful"]
    wanted_ms = fmean(each["time_to_first_token_ms"] for each in requests)
    assert stage["metrics"]["ttft"]["mean_ns"] == pytest.approx(wanted_ms * MS, rel=1e-4)
    assert (stage["load"], stage["counts"]["measured"]["ok"]) == ("2", 6)
    assert stage["metrics"]["icl"]["n"] == 0
    assert stage["stalls"] == {"gaps": None, "requests": None}


def test_guidellm_with_names_of_before(tmp_path: Path) -> None:
    request = {"start_time": 10.0, "first_token_time": 10.5, "last_token_time": 11.0}
    request |= {"end_time": 11.25, "prompt_tokens": 3, "output_tokens": 4}
    strategy = {"type_": "constant", "rate": 2.5}
    old = {"args": {"strategy": strategy}, "requests": {"successful": [request], "errored": []}}
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"benchmarks": [old]}))
    (level,) = read_foreign(path).levels
    (row,) = level.rows
    assert (level.load, level.users) == ("2.5/s", None)
    assert (row.first_output_ns, row.closed_ns) == (10_500 * MS, 11_250 * MS)


def test_guidellm_that_kept_a_sample_of_its_requests(tmp_path: Path) -> None:
    document = json.loads(GUIDELLM.read_bytes())
    document["benchmarks"][0]["metrics"]["request_totals"] = {"successful": 600}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ResultError, match="keeps 6 of 600 successful requests"):
        read_foreign(path)


def test_vllm(tmp_path: Path) -> None:
    stage = stage_of(VLLM, tmp_path)
    metrics = stage["metrics"]
    assert metrics["ttft"]["mean_ns"] == pytest.approx(55 * MS)
    assert metrics["ttft"]["max_ns"] == 60 * MS
    assert metrics["ttft_response"]["max_ns"] == 61 * MS, "with its wait for a free place"
    assert (metrics["icl"]["n"], metrics["icl"]["max_ns"]) == (9, 20 * MS)
    assert metrics["e2e"]["max_ns"] == 100 * MS
    assert stage["tokens"]["output"] == 12
    assert stage["counts"]["measured"]["error"] == 1


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("ttfts", "has no 'ttfts': it holds only summaries; run .* --save-detailed"),
        ("start_times", "has no 'start_times': .* a newer vLLM writes it"),
    ],
)
def test_vllm_without_detail(tmp_path: Path, gone: str, said: str) -> None:
    document = json.loads(VLLM.read_bytes())
    del document[gone]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ResultError, match=said):
        read_foreign(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is no result but a list"),
        ("{}", "say which with --from"),
        ('{"benchmarks": []}', "keeps no requests"),
        ('{"benchmarks": [{"requests": {"successful": [{"start_time": "x"}]}}]}', "guidellm"),
        (
            '{"model_id": 1, "total_input_tokens": 1, "ttfts": [1], "start_times": [], "itls": []}',
            "'start_times' has 0 entries, 'ttfts' 1",
        ),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ResultError, match=said):
        read_foreign(path)


def test_aiperf_without_its_requests(tmp_path: Path) -> None:
    shutil.copy(AIPERF / "profile_export_aiperf.json", tmp_path)
    with pytest.raises(ResultError, match="only summaries are: aiperf writes"):
        read_foreign(tmp_path)
    (tmp_path / "profile_export.jsonl").write_text("{}\n{")
    with pytest.raises(ResultError, match=r"is not as aiperf writes it|line 2 is not JSON"):
        read_foreign(tmp_path)
