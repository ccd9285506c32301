"""``tailrace compare`` and ``tailrace baseline`` on real runs of the scripted endpoint.

Two runs are of the same script, one of a script that is a tenth slower; delays are jittered. What a
busy machine adds to a tail is no matter here: medians are looked at.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tailrace.simulate import Script, background

from .command import MEASURED, ROOT, tailrace

MS = 1_000_000
MEDIANS = ("--metrics", "ttft:p50,icl:p50,tpot:p50,e2e:p50,error_rate")
ALSO_INVALID = "--allow-invalid"  # a busy machine may make any run INVALID


def make(folder: Path, name: str, script: Script, *options: str) -> None:
    with background(script) as url:
        done = tailrace(
            *("run", "--url", url, "-m", "sim", "-c", "16", "-n", "600", "--warmup", "0s", "-q"),
            *("--name", name, "--out", "out", *options),
            cwd=folder,
        )
    assert done.returncode in MEASURED, done.stderr
    (found,) = (folder / "out").iterdir()
    found.rename(folder / name)


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    same = {"tokens": 8, "jitter": 0.2}
    make(folder, "a", Script(ttft_ns=60 * MS, gap_ns=20 * MS, seed=1, **same))
    make(folder, "b", Script(ttft_ns=60 * MS, gap_ns=20 * MS, seed=2, **same))
    make(folder, "slow", Script(ttft_ns=66 * MS, gap_ns=22 * MS, seed=3, **same))
    quick = Script(ttft_ns=MS, gap_ns=MS, tokens=8)
    make(folder, "short", quick, "--max-tokens", "4", "-n", "20")
    return folder


def compared(cwd: Path, *arguments: str) -> tuple[int, dict[str, str]]:
    """The exit code, and the verdict of each figure of the first pair."""
    done = tailrace("compare", *arguments, ALSO_INVALID, "--format", "json", cwd=cwd)
    assert done.returncode in (0, 10), done.stderr
    (pair, *_) = json.loads(done.stdout)["pairs"]
    cells = {f"{c['metric']} {c['statistic']}": c["verdict"] for c in pair["cells"]}
    return done.returncode, cells


def test_the_same_script_twice_shows_no_difference(cwd: Path) -> None:
    code, cells = compared(cwd, "a", "b", *MEDIANS)
    verdicts = list(cells.values())
    assert code == 0
    assert set(verdicts) <= {"no difference", "cannot tell"}, cells
    assert verdicts.count("no difference") >= 3, cells


def test_a_tenth_slower_is_worse_and_code_10(cwd: Path) -> None:
    code, cells = compared(cwd, "a", "slow", *MEDIANS)
    assert code == 10
    assert cells["icl p50"] == cells["tpot p50"] == cells["e2e p50"] == "worse"
    assert cells["error_rate None"] == "no difference"
    code, cells = compared(cwd, "slow", "a", *MEDIANS)
    assert (code, cells["icl p50"]) == (0, "better")
    code, _ = compared(cwd, "a", "slow", *MEDIANS, "--margin", "30%")
    assert code == 0


def test_a_baseline_compares_as_its_run(cwd: Path) -> None:
    done = tailrace("baseline", "set", "a", ALSO_INVALID, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "baseline main" in done.stdout
    both = [
        tailrace("compare", *start, "slow", "--format", "json", ALSO_INVALID, cwd=cwd).stdout
        for start in (["a"], ["--baseline", "main"], ["--baseline"])
    ]
    cells = [json.loads(text)["pairs"][0]["cells"] for text in both]
    assert cells[0] == cells[1] == cells[2]
    assert len(cells[0]) == 15
    listed = json.loads(tailrace("baseline", "list", "--json", cwd=cwd).stdout)
    assert [(each["name"], each["run"]) for each in listed] == [("main", "a")]
    assert listed[0]["bytes"] < 200_000
    assert "main" in tailrace("baseline", "list", cwd=cwd).stdout


def test_baselines_are_removed_and_missed(cwd: Path) -> None:
    there = ("--baselines", "others")
    assert "no baseline" in tailrace("baseline", "list", *there, cwd=cwd).stderr
    tailrace("baseline", "set", "b", "--name", "x", ALSO_INVALID, *there, cwd=cwd)
    assert tailrace("baseline", "remove", "x", *there, cwd=cwd).returncode == 0
    done = tailrace("compare", "--baseline", "x", "a", *there, cwd=cwd)
    assert done.returncode == 2
    assert "there is no baseline 'x'" in done.stderr


def test_files_for_a_ci(cwd: Path) -> None:
    done = tailrace(
        *("compare", "a", "slow", ALSO_INVALID, *MEDIANS),
        *("--format", "junit", "--out", "new/compare.xml"),
        cwd=cwd,
    )
    assert done.returncode == 10, done.stderr
    assert "worse  sim at 16: icl p50: " in done.stdout
    root = ElementTree.parse(cwd / "new/compare.xml").getroot()
    assert root.get("tests") == "5"
    assert len(root.findall(".//failure")) >= 3
    done = tailrace("compare", "a", "b", ALSO_INVALID, "-f", "markdown", "-o", "c.md", cwd=cwd)
    assert (cwd / "c.md").read_text(encoding="utf-8").startswith("## b against a: ")
    text = tailrace("compare", "a", "b", "slow", ALSO_INVALID, cwd=cwd).stdout
    assert "b against a: " in text
    assert "slow against a: WORSE" in text


PAGES = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("compare.md", "query.md")]
COMMANDS = [line for page in PAGES for line in re.findall(r"^tailrace .+$", page, re.MULTILINE)]


def test_the_commands_of_the_pages_work_in_their_order(cwd: Path) -> None:
    assert len(COMMANDS) == 10
    runs = {"RUN": "a", "RUN2": "b", "RUN3": "slow", "before=RUN": "x=a", "after=RUN2": "y=b"}
    for command in COMMANDS:
        words = [runs.get(word, word) for word in shlex.split(command)[1:]]
        takes_invalid = words[0] == "compare" or words[:2] == ["baseline", "set"]
        done = tailrace(*words, *([ALSO_INVALID] if takes_invalid else []), cwd=cwd)
        assert done.returncode in (0, 10), (command, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a",), "compare takes two runs or more, or one and --baseline"),
        (("a", "nope"), "'nope' is not a tailrace run: run.json"),
        (("a", "a:ghost"), "'a' measured no model 'ghost'; it has sim"),
        (("a", "short"), "max_tokens (64 / 4)"),
        (("a", "b", "--metrics", "ttft,foo"), "--metrics: 'foo' is none of ttft, "),
        (("a", "b", "--metrics", "error_rate:p50"), "take a percentile"),
        (("a", "b", "--metrics", "ttft:p12"), "one of p50, p90, p95, p99"),
        (("a", "b", "--metrics", ","), "--metrics names none"),
        (("a", "b", "--margin", "x"), "--margin 'x' must be from 0%"),
        (("a", "b", "--margin", "5"), "--margin '5' must be from 0%"),
        (("a", "b", "--confidence", "20%"), "--confidence must be from 50%"),
        (("--baseline", "main"), "compare --baseline takes a run"),
        (("--baseline", "../x", "a"), "cannot be a folder's name"),
        (("a", "b", "--out", "a/run.json/x"), "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(cwd: Path, arguments: tuple[str, ...], said: str) -> None:
    done = tailrace("compare", *arguments, ALSO_INVALID, cwd=cwd)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_invalid_runs_are_refused(cwd: Path, tmp_path: Path) -> None:
    document = json.loads((cwd / "a/run.json").read_text(encoding="utf-8"))
    bad = tmp_path / "bad"
    (bad / "sim").mkdir(parents=True)
    for name in ("result.json", "requests.jsonl"):
        (bad / "sim" / name).write_bytes((cwd / "a/sim" / name).read_bytes())
    (bad / "run.json").write_text(json.dumps(document | {"ended": None}), encoding="utf-8")
    for command in (("compare", str(bad), str(bad)), ("baseline", "set", str(bad))):
        done = tailrace(*command, cwd=tmp_path)
        assert done.returncode == 2
        assert "is INVALID (the run did not end" in done.stderr
        assert "--allow-invalid" in done.stderr


def test_a_baseline_is_of_a_whole_run(cwd: Path) -> None:
    done = tailrace("baseline", "set", "a:sim", ALSO_INVALID, cwd=cwd)
    assert done.returncode == 2
    assert "not of one model" in done.stderr
    assert tailrace("compare", "a:sim", "b:sim", ALSO_INVALID, cwd=cwd).returncode in (0, 10)
