"""docs/scenarios.md: its files are read, its commands are understood, its tables are whole."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tailrace import cli
from tailrace.scenarios import catalog
from tailrace.scenarios.located import located
from tailrace.scenarios.scenario_file import scenario_file

from .command import tailrace
from .test_cli_file import VARIABLE_TABLE, config
from .test_cli_scenarios import KEYS, LOADERS, faults

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "scenarios.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(toml|yaml|json)\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line.split("  #")[0] for line in re.findall(r"^    (tailrace .*)$", TEXT, re.MULTILINE)]


@pytest.mark.parametrize(("form", "text"), BLOCKS)
def test_a_file_in_the_docs(form: str, text: str) -> None:
    assert scenario_file(located(text, f"s.{form}"), KEYS)
    assert faults(LOADERS[form](text)) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_the_docs(tmp_path: Path, command: str) -> None:
    name, *words = shlex.split(command.split(">", maxsplit=1)[0])[1:]
    assert name in cli.cli.commands
    if name != "run":
        assert tailrace(name, *words, cwd=tmp_path).returncode == 0
        return
    assert tailrace("init", cwd=tmp_path).returncode == 0
    assert config(tmp_path, *(word for word in words if word != "--show-config"))["--url"]


def test_the_tables_name_all_there_is() -> None:
    for name in catalog.names():
        assert f"`{name}`" in TEXT
    for variable, *_ in VARIABLE_TABLE:
        assert f"`{variable}`" in TEXT or variable.startswith("TAILRACE_"), variable
    assert len(COMMANDS) >= 8
    assert len(BLOCKS) >= 3
