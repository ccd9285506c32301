"""The example package, installed by pip as its users would, does what its page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .command import MEASURED, ROOT, tailrace
from .test_cli_run import load, only_run, rows_of

PACKAGE = ROOT / "examples" / "tailrace-example-plugin"
QUICK = ("--warmup", "0s", "-q")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a tailrace beside which the package is installed."""
    site = tmp_path_factory.mktemp("site")
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--no-cache-dir")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *offline),
            *("--target", str(site), str(PACKAGE)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": os.pathsep.join((str(ROOT), str(site)))}


def test_its_page_names_its_entry_points() -> None:
    page = (PACKAGE / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for group, points in project["entry-points"].items():
        assert group.startswith("tailrace.")
        for name, place in points.items():
            assert re.search(rf"\b{name}\b", page)
            assert f"`{place.partition(':')[0].rpartition('.')[2]}.py`" in page


def test_its_adapter(installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "weights.txt").write_text("tick tock tick tock tick")
    options = ("--weights", "weights.txt", "--max-tokens", "5", "-n", "4", "-c", "1,2")
    asked = ("-p", "tick", "--keep-text", "--no-nonce")
    run = ("run", "--adapter", "babble", *options, *asked, *QUICK)
    done = tailrace(*run, cwd=tmp_path, env=installed)
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(tmp_path), "babble")
    assert {(row.text, row.output_tokens) for row in rows} == {("tock tick tock tick tock ", 5)}


def test_its_dataset(installed: dict[str, str], tmp_path: Path, sim_url: str) -> None:
    asked = ("--prompts", "plugin:sums?n=6&digits=3", "-n", "6", "-c", "2", "-w", "2")
    run = ("run", "--url", sim_url, "-m", "sim", *asked, *QUICK)
    done = tailrace(*run, cwd=tmp_path, env=installed)
    assert done.returncode in MEASURED, done.stderr
    path = only_run(tmp_path)
    assert load(path / "run.json")["scenario"]["data"]["prompts"]["prompts"] == 6
    rows = [row for row in rows_of(path) if row.phase != "cold"]
    assert sorted(row.prompt for row in rows) == [f"sum-{number}" for number in range(6)]
    assert {row.output_tokens for row in rows} == {5}  # max_tokens of the records
