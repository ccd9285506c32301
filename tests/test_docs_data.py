"""The commands of docs/data.md do what the page says, as they stand there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.scenarios.png import png
from tailrace.simulate import Script, background

from .command import MEASURED, ROOT, tailrace
from .scenarios.tiny_tokenizer import byte_level, saved

TEXT = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    tailrace run … (.+)$", TEXT, re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data")
    (path / "prompts.json").write_text('["a", {"id": "b", "prompt": "c"}]', encoding="utf-8")
    (path / "questions.csv").write_text("question\na\nb\n", encoding="utf-8")
    (path / "lengths.csv").write_text("input_tokens,output_tokens\n40,4\n", encoding="utf-8")
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a b"}]
    (path / "sharegpt.json").write_text(json.dumps([{"conversations": turns}]), encoding="utf-8")
    (path / "photo.png").write_bytes(png(8, 8, "x"))
    saved(byte_level(), path / "tokenizer.json")
    return path


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with background(Script(ttft_ns=5_000_000, gap_ns=0, models=("base", "lora-a"))) as found:
        yield found


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 12


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(command: str, folder: Path, url: str) -> None:
    done = tailrace(
        *("run", "--url", url, "-m", "base", "-n", "3", "--warmup", "0s", "-q"),
        *shlex.split(command),
        cwd=folder,
    )
    assert done.returncode in MEASURED, done.stderr
    assert "VALID" in done.stdout


def test_every_option_is_on_the_page() -> None:
    from tailrace.commands.data import OPTIONS

    names = (
        *("--prompts", "--prompt-column", "--order", "--input-tokens", "--output-tokens"),
        *("--tokenizer", "--align", "--prefix-tokens", "--prefix-pool", "--image ", "--images"),
        "--mix",
    )
    assert len(names) == len(OPTIONS)
    for name in names:
        assert name in TEXT
