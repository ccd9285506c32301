import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.render.summary_csv import HEADER, decimal, guarded, plain_cell, summary_csv

from .runs import Run, failed_run


def read(run):
    text = summary_csv(run.facts, run.results)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_reads_back_with_the_numbers_of_the_documents(run):
    rows = read(run)
    assert [(row["model"], row["users"]) for row in rows] == [
        *((run.facts.models[index].model, users) for index in (0, 1) for users in "1248"),
        ("mistral:7b", ""),
    ]
    for row, stage in zip(rows[:4], run.results[0]["stages"], strict=True):
        for metric in ("ttft", "icl", "e2e"):
            known = stage["metrics"][metric]
            assert int(row[f"{metric}_n"]) == known["n"]
            assert float(row[f"{metric}_max_ms"]) == known["max_ns"] / 1e6
            for name, entry in known["percentiles"].items():
                assert float(row[f"{metric}_{name}_ms"]) == entry["value_ns"] / 1e6
                assert row[f"{metric}_{name}_certified"] == str(entry["certified"]).lower()
                assert row[f"{metric}_{name}_at_least"] == str(entry["at_least"]).lower()
        assert float(row["tokens_per_s"]) == stage["rates"]["tokens_per_s"]


def test_a_level_with_timeouts(run):
    row = read(run)[7]
    assert (row["measured_ok"], row["measured_timeout"], row["measured_error"]) == ("682", "9", "9")
    assert row["ttft_p99_at_least"] == "true"
    assert row["ttft_lower_bounds"] == "9"


def test_failed_model_has_its_class_and_nothing_else(run):
    row = read(run)[-1]
    assert {key: value for key, value in row.items() if value} == {
        "model": "mistral:7b",
        "status": "failed",
        "error_class": "model_not_found",
    }


def test_shape_of_the_file(run):
    text = summary_csv(run.facts, run.results)
    lines = text.split("\r\n")
    assert len(lines) == 11
    assert "\n" not in "".join(lines)
    assert '"' not in text
    assert len(set(HEADER)) == len(HEADER)
    assert "ttft_p50_ms" in HEADER


def test_hostile_texts(hostile):
    first = read(hostile)[0]
    assert first["model"].startswith("'=cmd|evil")
    assert "\n" not in first["model"]


@given(st.text(), st.text())
def test_no_text_cell_is_a_formula_or_breaks_a_row(model, error):
    (row,) = read(failed_run(model, error))
    for name in ("model", "error_class"):
        assert not row[name].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert None not in row


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001
def test_guard(start):
    assert guarded(f"{start}x") == f"'{start}x"
    assert guarded(f"x{start}") == f"x{start}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (1e-6, "0.000001"), (1e9, "1000000000"), (12.5, "12.5"), (100.0, "100")],
)
def test_decimal(value, text):
    assert decimal(value) == text


def test_objectives_where_there_are_some(run):
    assert {row["slo_met"] for row in read(run)} == {""}
    stage = run.results[0]["stages"][1]
    slo = [{"met": True}, {"met": False}, {"met": None}]
    goodput = {"share": 0.25, "per_s": 3.5}
    changed = {**run.results[0], "stages": list(run.results[0]["stages"])}
    changed["stages"][1] = {**stage, "slo": slo, "goodput": goodput}
    row = read(Run(run.facts, [changed, *run.results[1:]], run.verdict))[1]
    assert (row["slo_objectives"], row["slo_met"]) == ("3", "1")
    assert (row["goodput_share"], row["goodput_per_s"]) == ("0.25", "3.5")


def test_a_cell_that_is_only_shown_has_nothing_that_a_terminal_acts_on():
    assert plain_cell("a\x1b[2J\u202eb\x07") == "a[2Jb"
    assert plain_cell("=1+1") == guarded("=1+1") == "'=1+1"
    assert plain_cell("plain") == "plain"


def test_rows_end_as_rfc_4180_says_and_lack_no_cell(run):
    lines = summary_csv(run.facts, run.results).removeprefix("\ufeff").split("\r\n")
    assert lines.pop() == ""
    assert not any("\n" in line for line in lines)
    assert {len(row) for row in csv.reader(lines)} == {len(HEADER)}
