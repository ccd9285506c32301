"""``tailrace charts`` asked for what cannot be: one sentence with the fix, before any drawing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.results.facts import ModelFacts

from .command import tailrace
from .results.builders import facts, row, run_folder, stage

ROWS = [row(sent_ms=10 * n, id=f"r{n}") for n in range(20)]


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a run in ``RUN``, and one in ``BARE`` whose model was not there."""
    path = tmp_path_factory.mktemp("charts")
    run_folder(path / "RUN", ROWS).rebuild()
    bare = run_folder(path / "BARE", [])
    bare.write_facts(facts(ModelFacts("m", "m", "failed", "model_not_found", "no such model")))
    bare.rebuild()
    return path


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "'nowhere' is not a tailrace run: run.json: No such file or directory"),
        (("BARE",), "'BARE' has no chart: no level of it was reached"),
        (("RUN", "--chart", "ttft"), "--chart: no chart is named 'ttft'; there are ttft-load, icl"),
        (("RUN", "--model", "x"), "--model"),
    ],
)
def test_what_cannot_be_is_told(cwd: Path, arguments: tuple[str, ...], told: str) -> None:
    done = tailrace("charts", *arguments, cwd=cwd)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert not (cwd / "charts").exists()


def test_a_folder_name_that_leads_elsewhere_is_refused(cwd: Path) -> None:
    folder = run_folder(cwd / "EVIL", ROWS)
    model = ModelFacts("m", "../../m", "ok", stages=[stage(ROWS)])
    folder.write_facts(facts(model))
    done = tailrace("charts", "EVIL", cwd=cwd)
    assert done.returncode == 2
    assert "'../../m' cannot be a model's folder" in done.stderr


def test_a_browser_that_does_not_start_is_named(cwd: Path) -> None:
    done = tailrace("charts", "RUN", cwd=cwd, env={"BROWSER_PATH": "/no/browser"})
    assert done.returncode == 2
    assert "BROWSER_PATH names '/no/browser', which does not start:" in done.stderr
    assert not (cwd / "charts").exists()


def test_without_any_browser_the_fix_is_told(cwd: Path) -> None:
    done = tailrace("charts", "RUN", cwd=cwd, env={"PATH": "", "HOME": str(cwd)})
    if done.returncode == 0:
        pytest.skip("this machine has Chrome or Edge where their makers put them")
    assert done.returncode == 2
    assert "no Chromium, Chrome or Edge starts on this machine" in done.stderr


def test_without_playwright_the_extra_is_told(cwd: Path, tmp_path: Path) -> None:
    (tmp_path / "playwright.py").write_text("raise ImportError('none')\n")
    done = tailrace("charts", str(cwd / "RUN"), cwd=tmp_path)
    assert done.returncode == 2
    assert "needs Playwright, which is not installed: pip install 'tailrace[charts]'" in done.stderr
