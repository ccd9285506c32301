"""``tailrace rubric`` as its users run it: a sheet, a judge, and both in the report."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from .command import tailrace
from .judge_server import grades, judge_server

Command = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="module")
def made(sim_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run: two models, two prompts, four answers of each model."""
    folder = tmp_path_factory.mktemp("made")
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-m", "a/b:1", "-n", "4", "--warmup", "0s", "-q"),
        *("-p", "Why?", "-p", "How?", "--keep-text", "--salt", "s"),
        cwd=folder,
    )
    assert done.returncode in (0, 11), done.stderr  # a busy machine may spoil the timing
    (found,) = (folder / "runs").iterdir()
    return found


@pytest.fixture
def cwd(made: Path, tmp_path: Path) -> Path:
    """A folder with a copy of the run, as ``r``."""
    shutil.copytree(made, tmp_path / "r")
    return tmp_path


def sheet_rows(cwd: Path) -> list[dict[str, str]]:
    with (cwd / "r/rubric/annotations.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(cwd: Path, scores: list[dict[str, str]]) -> None:
    """Write scores into the first rows, as a spreadsheet program would save them."""
    rows = sheet_rows(cwd)
    for row, given in zip(rows, scores, strict=False):
        row.update(given)
    with (cwd / "r/rubric/annotations.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def quality(cwd: Path, model: str = "sim") -> Any:
    done = tailrace("report", "r", "--json", cwd=cwd)
    assert done.returncode in (0, 11), done.stderr
    results = {one["model"]: one for one in json.loads(done.stdout)["models"]}
    return results[model].get("quality")


def test_a_stub_has_a_row_for_each_answer_and_reruns_keep_scores(cwd: Path) -> None:
    first = tailrace("rubric", "stub", "r", "--samples", "1", cwd=cwd)
    assert first.returncode == 0, first.stderr
    assert "4 rows added" in first.stdout
    rows = sheet_rows(cwd)
    assert [(row["model"], row["prompt"]) for row in rows] == [
        *(("sim", "1"), ("sim", "2"), ("a/b:1", "1"), ("a/b:1", "2"))
    ]
    assert all(row["text"].startswith("tail race") for row in rows)
    assert [row["accuracy"] for row in rows] == [""] * 4
    fill(cwd, [{"accuracy": "5", "clarity": "4", "annotator": "ann", "note": "good; short"}])
    begin = (cwd / "r/rubric/annotations.csv").read_bytes()
    again = tailrace("rubric", "stub", "r", "--samples", "2", cwd=cwd)
    assert "4 rows added, 4 kept" in again.stdout
    now = (cwd / "r/rubric/annotations.csv").read_bytes()
    assert now.startswith(begin)
    tailrace("rubric", "stub", "r", "--samples", "2", cwd=cwd)
    assert (cwd / "r/rubric/annotations.csv").read_bytes() == now


def test_people_and_judge_come_together_in_the_report(cwd: Path) -> None:
    assert tailrace("rubric", "stub", "r", cwd=cwd).returncode == 0
    fill(cwd, [{"accuracy": "4", "annotator": "ann"}, {"accuracy": "2", "annotator": "ann"}])
    with judge_server(grades) as bench:
        done = tailrace(
            *("rubric", "judge", "r", "--judge-url", bench.url, "--judge-model", "j"),
            cwd=cwd,
            env={"TAILRACE_JUDGE_API_KEY": "k-1", "OPENAI_API_KEY": "k-of-the-run"},
        )
        assert done.returncode == 0, done.stderr
        assert "8 answers asked about" in done.stdout
        assert "24 scores, 0 unscored" in done.stdout
        assert "8/8 a/b:1" in done.stderr
        assert set(bench.keys) == {"Bearer k-1"}
        told = json.loads(bench.asked[0]["messages"][1]["content"])
        assert told["conversation"] == [{"role": "user", "content": "Why?"}]  # without the nonce
        again = tailrace(
            *("rubric", "judge", "r", "--judge-url", bench.url, "--judge-model", "j", "-q"), cwd=cwd
        )
        assert "0 answers asked about, 8 judged before" in again.stdout
        assert again.stderr == ""
        assert len(bench.asked) == 8
    found = quality(cwd)
    accuracy = found["facets"][0]
    assert accuracy["human"]["mean"] == 3
    agreement = accuracy["judges"]["j"]["agreement"]
    assert (agreement["n"], agreement["exact"], agreement["within_one"]) == (2, 0.5, 0.5)
    for name in ("report.md", "report.html"):
        text = (cwd / "r" / name).read_text(encoding="utf-8")
        assert "judge j was asked 4 times about 4 answers: 12 scores, 0 unscored" in text
        assert "weighted kappa" in text
    assert "k-1" not in (cwd / "r/rubric/judge.jsonl").read_text(encoding="utf-8")


def test_a_judge_that_talks_leaves_everything_unscored(cwd: Path) -> None:
    with judge_server(lambda _: "I would say 4 out of 5.") as bench:
        done = tailrace(
            *("rubric", "judge", "r", "--judge-url", bench.url, "--judge-model", "j"), cwd=cwd
        )
    assert done.returncode == 0
    assert "0 scores, 24 unscored" in done.stdout
    assert "unscored accuracy, completeness, clarity (not_json: " in done.stderr
    found = quality(cwd)
    assert (found["judge_mean"], found["human_mean"]) == (None, None)
    assert found["facets"][0]["judges"]["j"]["unscored"] == {"not_json": 4}


def test_another_rubric_is_kept_with_the_run_and_asked_anew(cwd: Path) -> None:
    (cwd / "mine.toml").write_text('[facets]\ntone = "Is it kind?"\n', encoding="utf-8")
    done = tailrace("rubric", "stub", "r", "--rubric", "mine.toml", cwd=cwd)
    assert "facets: tone;" in done.stdout
    with judge_server(grades) as bench:
        judge = ("rubric", "judge", "r", "--judge-url", bench.url, "--judge-model", "j", "-q")
        tailrace(*judge, cwd=cwd)
        assert "- tone: Is it kind?" in bench.asked[0]["messages"][0]["content"]
        (cwd / "mine.toml").write_text('[facets]\ntone = "Is it warm?"\n', encoding="utf-8")
        again = tailrace(*judge, "--rubric", "mine.toml", cwd=cwd)
        assert "8 answers asked about" in again.stdout
    assert [facet["facet"] for facet in quality(cwd)["facets"]] == ["tone"]
    (cwd / "mine.toml").write_text('[facets]\ndepth = ""\n', encoding="utf-8")
    other = tailrace("rubric", "stub", "r", "--rubric", "mine.toml", cwd=cwd)
    assert other.returncode == 2
    assert "has no column for facet 'depth' (it has tone)" in other.stderr


def test_the_default_rubric_can_be_started_from(cwd: Path) -> None:
    shown = tailrace("rubric", "default", cwd=cwd)
    (cwd / "mine.toml").write_text(shown.stdout, encoding="utf-8")
    done = tailrace("rubric", "stub", "r", "--rubric", "mine.toml", cwd=cwd)
    assert "facets: accuracy, completeness, clarity" in done.stdout


def test_a_bad_score_is_named_and_nothing_is_rebuilt(cwd: Path) -> None:
    tailrace("rubric", "stub", "r", cwd=cwd)
    fill(cwd, [{}, {"clarity": "7"}])
    before = (cwd / "r/report.md").read_bytes()
    for command in (("report", "r"), ("rubric", "stub", "r"), ("select", "r")):
        done = tailrace(*command, cwd=cwd)
        assert done.returncode == 2
        assert "annotations.csv' line 3, field 'clarity': '7' is not a whole number" in done.stderr
    assert (cwd / "r/report.md").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stub", "nowhere"), "'nowhere' is not a tailrace run"),
        (("stub", "r", "--rubric", "none.toml"), "the rubric 'none.toml' cannot be read"),
        (("stub", "r", "--samples", "0"), "--samples"),
        (("judge", "r", "--judge-url", "x", "--judge-model", "j"), "--judge-url 'x' is not a URL"),
        (("judge", "r", "--judge-model", "j"), "Missing option '--judge-url'"),
        (
            ("judge", "r", "--judge-url", "http://h", "--judge-model", "j", "--timeout", "soon"),
            "--timeout 'soon'",
        ),
        (
            (
                *("judge", "r", "--judge-url", "http://h", "--judge-model", "j"),
                *("--judge-key-file", "none"),
            ),
            "--judge-key-file 'none' cannot be read",
        ),
    ],
)
def test_bad_input(cwd: Path, arguments: tuple[str, ...], said: str) -> None:
    done = tailrace("rubric", *arguments, cwd=cwd)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_judge_that_is_not_there(cwd: Path) -> None:
    with judge_server(grades) as bench:
        url = bench.url
    done = tailrace("rubric", "judge", "r", "--judge-url", url, "--judge-model", "j", cwd=cwd)
    assert done.returncode == 3
    assert f"--judge-url {url} cannot be reached" in done.stderr


def test_a_run_that_kept_no_text(sim_url: str, tmp_path: Path) -> None:
    tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-n", "2", "--warmup", "0s", "-q"), cwd=tmp_path
    )
    (run,) = (tmp_path / "runs").iterdir()
    done = tailrace("rubric", "stub", str(run), cwd=tmp_path)
    assert done.returncode == 2
    assert "keeps no answer of a measured request; run it again with --keep-text" in done.stderr
