"""``tailrace query`` on a real run, and every question of docs/query.md."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tailrace.results.query_schema import DERIVED, LEVEL_COLUMNS

from .command import ROOT, small_run, tailrace

PAGE = (ROOT / "docs/query.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
MAY_BE_EMPTY = ("outcome <> 'ok'", "gap_ns > 1e9")


@pytest.fixture(scope="module")
def cwd(sim_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("runs"), sim_url, "--name", "r")


def test_the_page_answers_ten_questions() -> None:
    assert len(QUESTIONS) == 10
    for name, *_ in (*LEVEL_COLUMNS, *DERIVED):
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("sql", QUESTIONS, ids=range(1, len(QUESTIONS) + 1))
def test_a_question_of_the_page(cwd: Path, sql: str) -> None:
    done = tailrace("query", "RUN", sql, "--format", "json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    if not any(text in sql for text in MAY_BE_EMPTY):
        assert rows
        assert all(value is not None for value in rows[0].values()), rows[0]


def test_percentiles_are_those_of_the_report(cwd: Path) -> None:
    sql = "SELECT load, quantile_disc(ttft_ns, 0.5) AS p50 FROM requests WHERE measured GROUP BY 1"
    rows = json.loads(tailrace("query", "RUN", sql, "-f", "json", cwd=cwd).stdout)
    result = json.loads((cwd / "RUN/sim/result.json").read_text(encoding="utf-8"))
    for stage in result["stages"]:
        (found,) = (row["p50"] for row in rows if row["load"] == stage["load"])
        reported = stage["metrics"]["ttft"]["percentiles"]["p50"]["value_ns"]
        assert found == pytest.approx(reported, rel=0.002)


def test_formats_and_several_runs(cwd: Path) -> None:
    sql = "SELECT run, count(*) AS n FROM requests WHERE measured GROUP BY run ORDER BY run"
    runs = ("--run", "x=RUN", "--run", "y=RUN")
    done = tailrace("query", *runs, sql, "--format", "csv", cwd=cwd)
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows == [["run", "n"], ["x", "12"], ["y", "12"]]
    lines = tailrace("query", *runs, sql, cwd=cwd).stdout.splitlines()
    assert [line.split() for line in lines] == [["run", "n"], ["x", "12"], ["y", "12"]]
    assert "requests" in tailrace("query", "--schema", cwd=cwd).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "query takes a run and one text of SQL"),
        (("RUN",), "query takes a run and SQL"),
        (("RUN", "SELECT", "1"), "in quotes, not 3 words"),
        (("nope", "SELECT 1"), "'nope' is not a tailrace run"),
        (("RUN", "DROP VIEW gaps"), "a query only reads"),
        (("RUN", "SELECT * FROM '../x.csv'"), "the query cannot be answered"),
        (("--run", "x", "SELECT 1"), "--run 'x' must be NAME=PATH"),
        (("--run", "RUN=RUN", "RUN", "SELECT 1"), "two runs are named 'RUN'"),
    ],
)
def test_bad_input_is_one_sentence(cwd: Path, arguments: tuple[str, ...], said: str) -> None:
    done = tailrace("query", *arguments, cwd=cwd)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
