"""The commands of docs/quality.md and docs/selection.md work as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from .command import ROOT, tailrace

URL = "http://127.0.0.1:8089/v1"


def commands(page: str) -> list[list[str]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def newest(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)


@pytest.mark.parametrize(("page", "count"), [("quality.md", 5), ("selection.md", 7)])
def test_commands_work(page: str, count: int, sim_url: str, tmp_path: Path) -> None:
    done = commands(page)
    assert len(done) == count
    if page == "selection.md":  # the runs that its first commands speak of
        first = next(words for words in done if words[1] == "run")
        done = [first, first, *done]
    (tmp_path / "runs").mkdir()
    for words in done:
        runs = dict(zip(("RUN", "RUN2"), newest(tmp_path / "runs"), strict=False))
        here = [str(runs.get(word, sim_url if word == URL else word)) for word in words]
        assert here[0] == "tailrace"
        found = tailrace(*here[1:], cwd=tmp_path)
        assert found.returncode in (0, 11), (words, found.stderr)
