"""``tailrace outputs`` as a user meets it: lines, JSON, exit codes, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tailrace.simulate import Script, background

from .command import MEASURED, tailrace

MS = 1_000_000
PROMPTS = ("-p", "one", "-p", "two")
Make = Callable[..., str]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a deterministic run whose answers have so many tokens, and returns its folder."""

    def run(tokens: int, *options: str, prompts: tuple[str, ...] = PROMPTS) -> str:
        out = tmp_path_factory.mktemp("run")
        with background(Script(ttft_ns=MS, gap_ns=MS, tokens=tokens)) as url:
            done = tailrace(
                *("run", "--url", url, "-m", "sim", "-q", "--out", str(out), *prompts, *options),
                cwd=out,
            )
        assert done.returncode in MEASURED, done.stderr
        (found,) = out.iterdir()
        return str(found)

    return run


@pytest.fixture(scope="module")
def short(make: Make) -> str:
    return make(4, "--deterministic", "--keep-text")


@pytest.fixture(scope="module")
def longer(make: Make) -> str:
    return make(6, "--deterministic", "--keep-text")


def test_the_same_answers_are_code_0(make: Make, short: str, tmp_path: Path) -> None:
    done = tailrace("outputs", short, make(4, "--deterministic"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "SAME: 2 prompts the same, 0 changed, 0 missing\n"


def test_changed_answers_are_code_10_with_their_first_difference(
    short: str, longer: str, tmp_path: Path
) -> None:
    done = tailrace("outputs", short, longer, cwd=tmp_path)
    assert done.returncode == 10, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for line, prompt in zip(lines, "12", strict=False):
        assert line.startswith(f"changed  sim, prompt {prompt}: A ")
        assert line.endswith(
            "first difference at character 21: ' tail race weir gate'"
            " and ' tail race weir gate lake rain'"
        )
    assert lines[-1] == "DIFFERENT: 0 prompts the same, 2 changed, 0 missing"


def test_without_kept_text_the_hashes_are_shown(make: Make, short: str, tmp_path: Path) -> None:
    done = tailrace("outputs", short, make(6, "--deterministic"), cwd=tmp_path)
    assert done.returncode == 10
    assert "changed  sim, prompt 1: A " in done.stdout
    assert "first difference" not in done.stdout


def test_a_prompt_that_was_not_asked_is_missing(make: Make, short: str, tmp_path: Path) -> None:
    one = make(4, "--deterministic", prompts=("-p", "one"))
    done = tailrace("outputs", short, one, cwd=tmp_path)
    assert done.returncode == 10
    assert "missing  sim, prompt 2 has no answer in B" in done.stdout


def test_json_has_the_hashes_in_full(short: str, longer: str, tmp_path: Path) -> None:
    done = tailrace("outputs", short, longer, "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert (done.returncode, document["equal"]) == (10, False)
    assert [changed["prompt"] for changed in document["changed"]] == ["1", "2"]
    (digits,) = document["changed"][0]["hashes_b"]
    assert len(digits) == 64


@pytest.mark.parametrize(
    ("options", "prompts", "words"),
    [
        (("--deterministic", "--seed", "3"), PROMPTS, ["seed is 0", "3 in "]),
        (("--deterministic", "--max-tokens", "3"), PROMPTS, ["max_tokens is 64"]),
        (("--deterministic",), ("-p", "other", "-p", "two"), ["prompt '1' of 'sim'"]),
        (("-n", "1", "--warmup", "0s"), PROMPTS, ["outputs.json", "--deterministic"]),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(
    make: Make,
    short: str,
    tmp_path: Path,
    options: tuple[str, ...],
    prompts: tuple[str, ...],
    words: list[str],
) -> None:
    done = tailrace("outputs", short, make(4, *options, prompts=prompts), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr


def test_no_run_folder_is_one_sentence(short: str, tmp_path: Path) -> None:
    done = tailrace("outputs", short, "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'nowhere' is not a tailrace run" in done.stderr


def test_a_broken_outputs_file_names_itself(make: Make, short: str, tmp_path: Path) -> None:
    other = make(4, "--deterministic")
    path = Path(other, "sim", "outputs.json")
    path.write_text("{", encoding="utf-8")
    done = tailrace("outputs", short, other, cwd=tmp_path)
    assert done.returncode == 2
    assert "outputs.json" in done.stderr
    again = tailrace("report", other, cwd=tmp_path)  # the journal has it all
    assert again.returncode in MEASURED
    assert tailrace("outputs", short, other, cwd=tmp_path).returncode == 0
