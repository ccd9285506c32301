"""``tailrace select`` and ``tailrace variants`` on real runs, with prices, failures, refusals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from .command import tailrace

PRICES = ("--price-in", "0.5", "--price-out", "2", "--currency", "EUR", "--watts", "30")


@pytest.fixture(scope="module")
def slow_url() -> Iterator[str]:
    with background(Script(ttft_ns=60_000_000, gap_ns=4_000_000, tokens=16)) as url:
        yield url


@pytest.fixture(scope="module")
def cwd(sim_url: str, slow_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs ``fast`` (one model failed), ``slow``, and ``other``."""
    folder = tmp_path_factory.mktemp("runs")
    runs = {
        "fast": (sim_url, "-m", "sim", "-m", "ghost", "--label", "gpu-on", *PRICES),
        "slow": (slow_url, "-m", "sim", "--label", "gpu-off"),
        "other": (slow_url, "-m", "sim", "--max-tokens", "8"),
    }
    for name, (url, *more) in runs.items():
        done = tailrace(
            *("run", "--url", url, "-c", "1,2", "-n", "4", "--warmup", "0s", "-q", *more),
            *("--name", name, "--out", "out"),
            cwd=folder,
        )
        assert done.returncode in (0, 3, 11), done.stderr
        (found,) = (folder / "out").iterdir()
        found.rename(folder / name)
    return folder


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_prices_become_costs_in_every_report(cwd: Path) -> None:
    result = json.loads((cwd / "fast/sim/result.json").read_text(encoding="utf-8"))
    tokens, cost = result["stages"][1]["tokens"], result["stages"][1]["cost"]
    assert cost["cost_per_request"] == pytest.approx(
        (tokens["input"] * 0.5 + tokens["output"] * 2) / 1e6 / 4
    )
    window = result["stages"][1]["window"]
    assert cost["joules_per_request"] == pytest.approx(30 * window["seconds"] / window["requests"])
    for name in ("report.md", "report.html"):
        text = (cwd / "fast" / name).read_text(encoding="utf-8")
        assert "Cost and footprint" in text
        assert "joules_per_request = watts" in text.replace("&#95;", "_").replace("&#61;", "=")
        assert "Cost and footprint" not in (cwd / "slow" / name).read_text(encoding="utf-8")
    slow = json.loads((cwd / "slow/sim/result.json").read_text(encoding="utf-8"))
    assert all("cost" not in stage for stage in slow["stages"])


def test_report_rebuilds_the_same(cwd: Path) -> None:
    names = ("report.md", "report.html", "sim/result.json", "summary.csv")
    before = [(cwd / "fast" / name).read_bytes() for name in names]
    tailrace("report", "fast", cwd=cwd)
    assert [(cwd / "fast" / name).read_bytes() for name in names] == before


def test_the_report_has_the_selection(cwd: Path) -> None:
    text = (cwd / "fast/report.md").read_text(encoding="utf-8")
    assert "\n## Selection\n" in text
    assert "failed: model" in text
    assert "nowhere worse and somewhere better" in text


def test_select_in_every_format(cwd: Path) -> None:
    text = tailrace("select", "fast", "slow", cwd=cwd)
    assert text.returncode == 0, text.stderr
    assert "Models at load level 2" in text.stdout
    assert "failed: model_not_found" in text.stdout
    markdown = tailrace("select", "fast", "slow", "-f", "md", cwd=cwd).stdout
    assert markdown.startswith("## Selection\n\n| run | model | state | pareto | licence |")
    rows = table(tailrace("select", "fast", "slow", "-f", "csv", cwd=cwd).stdout)
    assert [(row["run"], row["model"]) for row in rows] == [
        *(("gpu-on", "sim"), ("gpu-on", "ghost"), ("gpu-off", "sim"))
    ]
    assert rows[1]["ttft_p50_ms"] == ""
    assert float(rows[0]["ttft_p50_ms"]) < float(rows[2]["ttft_p50_ms"])
    assert rows[0]["cost_per_1000_requests"]
    assert rows[0]["currency"] == "EUR"
    document = json.loads(tailrace("select", "fast", "-f", "json", "--at", "1", cwd=cwd).stdout)
    assert document["at"] == "1"
    assert document["models"][1]["state"] == "failed: model_not_found"


def test_variants_in_every_format(cwd: Path) -> None:
    text = tailrace("variants", "slow", "fast:sim", cwd=cwd)
    assert text.returncode == 0, text.stderr
    assert text.stdout.startswith("gpu-off against gpu-on\n")
    assert "At load level 1" in text.stdout
    rows = table(tailrace("variants", "slow", "fast:sim", "-f", "csv", cwd=cwd).stdout)
    (ttft,) = (row for row in rows if (row["load"], row["figure"]) == ("1", "TTFT p50"))
    assert float(ttft["change"]) == pytest.approx(float(ttft["second"]) - float(ttft["first"]))
    assert float(ttft["change"]) < -20
    assert (
        "| TTFT p50 | ms |" in tailrace("variants", "slow", "fast:sim", "-f", "md", cwd=cwd).stdout
    )
    document = json.loads(
        tailrace("variants", "slow", "fast:sim", "-f", "json", "--at", "2", cwd=cwd).stdout
    )
    assert {delta["load"] for delta in document["deltas"]} == {"2"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("variants", "slow", "other"), "cannot be compared: they were not asked the same"),
        (("variants", "slow", "other"), "Different are max_tokens (64 / 8)"),
        (("variants", "slow", "fast"), "has several models; name one, as RUN:MODEL, of sim, ghost"),
        (("variants", "slow", "fast:none"), "has no model 'none'; it has sim, ghost"),
        (("variants", "slow", "nowhere"), "'nowhere' is not a tailrace run"),
        (("variants", "slow", "fast:ghost"), "gpu-on has none (failed: model_not_found)"),
        (("variants", "slow", "fast:sim", "--at", "9"), "--at '9' is no level of both"),
        (("variants", "slow"), "Missing argument 'B'"),
        (("select", "nowhere"), "'nowhere' is not a tailrace run"),
        (("select", "slow", "--at", "9"), "--at '9' is no level that was measured; there is: 1, 2"),
        (("select",), "Missing argument 'RUN...'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    cwd: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = tailrace(*arguments, cwd=cwd)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_one_run_against_itself_is_named_by_its_places(cwd: Path) -> None:
    done = tailrace("variants", "slow", "slow:sim", cwd=cwd)
    assert done.stdout.startswith("slow against slow:sim\n")
    assert "worse" not in done.stdout.replace("better and worse say", "")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--price-in", "free", "--price-in 'free' is not a number of at least 0"),
        ("--price-out", "-1", "--price-out '-1' is not a number of at least 0"),
        ("--watts", "inf", "--watts 'inf' is not a number"),
        ("--price-kwh", "nan", "--price-kwh 'nan' is not a number"),
        ("--currency", "E U R", "--currency 'E U R' is not a currency"),
        ("--label", " ", "--label ' ' must be 1 to 60 printable characters"),
        ("--label", "a\nb", "--label 'a\\nb' must be"),
    ],
)
def test_bad_options(tmp_path: Path, option: str, value: str, said: str) -> None:
    done = tailrace("run", "--url", "http://h", "-m", "m", option, value, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
