"""Every form of an export, read back by somebody else."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hdrh.histogram import HdrHistogram

from tailrace.errors import UsageError
from tailrace.results.export.chosen import Chosen, chosen
from tailrace.results.export.forms import OF_ONE_FILE, write_form
from tailrace.results.export.otlp import span
from tailrace.results.export.parquet import GROUP

from ..builders import MS, row, run_folder
from .runs import finished


@pytest.mark.parametrize("form", list(OF_ONE_FILE))
def test_the_file_is_the_stream(tmp_path: Path, form: str) -> None:
    run = finished(tmp_path / "run")
    assert write_form(run, form, tmp_path / "x") == [tmp_path / "x"]
    assert (tmp_path / "x").read_bytes() == b"".join(OF_ONE_FILE[form](run))


def test_json_is_the_run_and_its_results(tmp_path: Path) -> None:
    document = json.loads(b"".join(OF_ONE_FILE["json"](finished(tmp_path))))
    assert document["schema"] == "tailrace.export/1"
    assert document["run"] == json.loads((tmp_path / "run.json").read_bytes())
    assert document["results"] == [json.loads((tmp_path / "m/result.json").read_bytes())]


def test_csv_of_requests_is_safe_for_a_spreadsheet(tmp_path: Path) -> None:
    text = b"".join(OF_ONE_FILE["requests-csv"](finished(tmp_path)))
    assert text.startswith(b"\xef\xbb\xbf")
    lines = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert [line["id"] for line in lines] == ["cold", "a", "b", "c"]
    assert lines[1]["finish_reason"] == "'=1+1"
    assert (lines[1]["ttft_ns"], lines[1]["measured"]) == (str(100 * MS), "true")
    assert lines[2]["last_output_ns"] == str(105 * MS)
    assert "gaps_ns" not in lines[0]


def test_parquet_has_every_field_and_gap(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    requests, gaps = map(pq.read_table, write_form(run, "parquet", tmp_path / "out"))
    assert requests.column("id").to_pylist() == ["cold", "a", "b", "c"]
    assert requests.column("gaps_ns").to_pylist()[1] == [10 * MS, 20 * MS]
    assert requests.schema.field("sent_ns").metadata == {b"unit": b"ns"}
    of_a = [line for line in gaps.to_pylist() if line["id"] == "a"]
    assert [(line["place"], line["gap_ns"]) for line in of_a] == [(1, 10 * MS), (2, 20 * MS)]


def test_parquet_of_more_than_a_group(tmp_path: Path) -> None:
    rows = [row(n, 1, (), id=str(n)) for n in range(GROUP + 1)]
    run_folder(tmp_path / "run", rows).rebuild()
    path, _ = write_form(chosen(tmp_path / "run"), "parquet", tmp_path / "out")
    found = pq.ParquetFile(path)
    assert (found.metadata.num_rows, found.metadata.num_row_groups) == (GROUP + 1, 2)


def test_hgrm_is_hdrhistograms_own_text(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    paths = write_form(run, "hgrm", tmp_path / "out")
    assert tmp_path / "out/m-level0-ttft.hgrm" in paths
    for path in paths:
        name = path.stem.split("-")[-1]
        place = int(path.stem.split("level")[1][0])
        payload = run.results[0]["stages"][place]["metrics"][name]["histogram"]
        out = io.BytesIO()
        HdrHistogram.decode(payload).output_percentile_distribution(out, 1e6)
        assert body(path.read_bytes()) == body(out.getvalue())


def test_hgrm_has_its_deviation_in_ms(tmp_path: Path) -> None:
    rows = [row(0, 100, ()), row(500, 300, ())]
    run_folder(tmp_path / "run", rows).rebuild()
    write_form(chosen(tmp_path / "run"), "hgrm", tmp_path / "out")
    text = (tmp_path / "out/m-level0-ttft.hgrm").read_text()
    found = re.search(r"Mean += +([\d.]+), StdDeviation += +([\d.]+)", text)
    assert found is not None
    assert [float(each) for each in found.groups()] == pytest.approx([200, 100], rel=1e-3)


def body(text: bytes) -> list[list[float]]:
    """The lines of percentiles; the tail tells of bucket counts of the range that was asked for."""
    lines = [line.split() for line in text.decode().splitlines()[1:]]
    return [list(map(float, line)) for line in lines if line and not line[0].startswith("#")]


def test_spans(tmp_path: Path) -> None:
    run = finished(tmp_path)
    (line,) = OF_ONE_FILE["otel"](run)
    (resource,) = json.loads(line)["resourceSpans"]
    spans = resource["scopeSpans"][0]["spans"]
    assert len({span["traceId"] for span in spans}) == 4
    told = {each["key"]: each["value"] for each in spans[1]["attributes"]}
    assert told["gen_ai.usage.input_tokens"] == {"intValue": "7"}
    assert told["gen_ai.response.time_to_first_chunk"] == {"doubleValue": 0.1}
    assert told["gen_ai.request.stream"] == {"boolValue": True}
    origin_ns = run.facts.origin_wall_ns
    assert spans[1]["startTimeUnixNano"] == str(origin_ns)
    assert [(e["name"], int(e["timeUnixNano"]) - origin_ns) for e in spans[1]["events"]] == [
        ("first_token", 100 * MS),
        ("last_token", 130 * MS),
    ]
    assert spans[1]["status"] == {}
    assert spans[2]["status"] == {"code": 2, "message": "late"}
    assert b"".join(OF_ONE_FILE["otel"](run)) == line


def server_of(run: Chosen, **of_row: Any) -> dict[str, Any]:
    placed = next(run.rows())
    found = span(run.facts, placed._replace(row=msgspec.structs.replace(placed.row, **of_row)))
    return {
        each["key"]: next(iter(each["value"].values()))
        for each in found["attributes"]
        if each["key"].startswith(("server.", "gen_ai.provider."))
    }


def test_spans_name_the_server_and_who_speaks_so(tmp_path: Path) -> None:
    run = finished(tmp_path)
    (model,) = run.facts.models
    scenario = run.facts.scenario
    scenario |= {"base_url": "https://one/v1", "reach": {"more_urls": ["http://two:81/v1"]}}
    assert server_of(run) == {"server.address": "one", "server.port": "443"}
    model.dialect = "anthropic-messages"
    assert server_of(run, url=1) == {
        "gen_ai.provider.name": "anthropic",
        "server.address": "two",
        "server.port": "81",
    }
    model.dialect = "openai-chat"
    scenario["entries"] = [{"alias": "m", "url": "http://[::1]:9/v1"}]
    assert server_of(run) == {
        "gen_ai.provider.name": "openai",
        "server.address": "::1",
        "server.port": "9",
    }
    scenario["entries"][0]["serve"] = ["llama-server"]
    assert server_of(run) == {"gen_ai.provider.name": "openai"}


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_form(run, "hgrm", tmp_path / "file")
    with pytest.raises(UsageError, match="cannot be written"):
        write_form(run, "json", tmp_path / "none/x")
