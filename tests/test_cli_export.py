"""``tailrace export``, ``convert`` and ``schema`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tailrace.commands.export import WRITTEN
from tailrace.results.export.forms import FORMS
from tailrace.results.schemas import published

from .command import ROOT, small_run, tailrace

FOREIGN = ROOT / "tests/fixtures/foreign"
SAID = {
    "guidellm-0.8.1.json": "guidellm 0.8.1, its client not audited; no gaps kept, so icl and",
    "aiperf-0.13.0": "aiperf 0.13.0, its client not audited\n",
    "vllm-detailed.json": "vllm bench serve, its client not audited; tokens of unknown source, so",
}
"""Of each tool's file, what must be known of it beside another run."""


@pytest.fixture(scope="module")
def cwd(sim_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("runs"), sim_url, "--slo", "e2e:p50<9s")


def test_what_a_run_writes_fits_the_schemas(cwd: Path) -> None:
    def check(name: str, text: bytes) -> None:
        printed = json.loads(tailrace("schema", name, cwd=cwd).stdout)
        jsonschema.validate(json.loads(text), printed)

    check("run", (cwd / "RUN/run.json").read_bytes())
    check("result", (cwd / "RUN/sim/result.json").read_bytes())
    for line in (cwd / "RUN/sim/requests.jsonl").read_bytes().splitlines():
        jsonschema.validate(json.loads(line), published("requests"))


def test_every_form_that_is_written_is_offered() -> None:
    assert WRITTEN == FORMS


def test_export_to_standard_output_and_to_a_folder(cwd: Path) -> None:
    done = tailrace("export", "RUN", "-f", "markdown", cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "All 12 measured requests ended ok." in done.stdout
    assert "Objectives not told by so few requests at 1 user, 2 users." in done.stdout
    lines = tailrace("export", "RUN", "-f", "requests-csv", "--level", "2", cwd=cwd).stdout
    assert len(lines.splitlines()) == 7
    done = tailrace("export", "RUN", "-f", "parquet", "--out", "tables", cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (cwd / "tables").iterdir()) == [
        "gaps.parquet",
        "requests.parquet",
    ]


@pytest.mark.parametrize("name", SAID)
def test_a_converted_run_can_be_read_as_any_other(cwd: Path, name: str) -> None:
    out = f"converted-{name}"
    done = tailrace("convert", str(FOREIGN / name), "--out", out, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CONVERTED: ")
    (run,) = (cwd / out).iterdir()
    again = tailrace("report", str(run), cwd=cwd)
    assert again.returncode == 0, again.stderr
    assert "\nCONVERTED\n" in again.stdout
    verdict = json.loads((run / "run.json").read_bytes())["verdict"]
    assert (verdict["valid"], verdict["reasons"]) == (False, [])
    assert "not measured by tailrace" in verdict["notes"][0]
    result = json.loads((run / "sim/result.json").read_bytes())
    jsonschema.validate(result, published("result"))
    compared = tailrace("compare", str(run), str(run), cwd=cwd)
    assert compared.returncode in (0, 10), compared.stderr
    selected = tailrace("select", str(run), str(cwd / "RUN"), cwd=cwd)
    for told in (compared.stdout, selected.stdout):
        assert f"converted from {SAID[name]}" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "nope", "-f", "json"), "'nope' is not a tailrace run"),
        (("export", "RUN", "-f", "hgrm"), "name a folder with --out DIR"),
        (("export", "RUN", "-f", "json", "--level", "9"), "it has '1', '2'"),
        (("convert", "nope.json"), "'nope.json' cannot be read"),
        (("convert", "RUN/run.json"), "say which with --from"),
        (("convert", "RUN/run.json", "--from", "vllm"), "--save-detailed"),
    ],
)
def test_bad_input_is_one_sentence(cwd: Path, arguments: tuple[str, ...], said: str) -> None:
    done = tailrace(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
