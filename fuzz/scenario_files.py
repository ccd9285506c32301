"""Laws of what a user writes: a file is read, or refused with one sentence that names it.

An input is the text of a file; it is read in each form that its kind of file may have.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fuzz.written import refused_or_read
from tailrace.scenarios.data import Data, PromptFile
from tailrace.scenarios.data_source import prompt_file
from tailrace.scenarios.files import read_text
from tailrace.scenarios.located import located
from tailrace.scenarios.models_file import models_of
from tailrace.scenarios.scenario_file import scenario_file
from tailrace.scenarios.session_files import read_sessions
from tailrace.scenarios.trace_files import replay, survey

_FORMS = (".toml", ".yaml", ".json")


@cache
def _keys() -> Any:
    from tailrace.cli import cli
    from tailrace.commands.keys import keys_of

    return {name: key for name, (key, _) in keys_of(cli.commands["run"]).items()}


def scenario(data: bytes) -> None:
    """A scenario file."""
    for form in _FORMS:
        refused_or_read(lambda path: scenario_file(located(_text(path), path), _keys()), data, form)


def models(data: bytes) -> None:
    """A models file."""
    for form in _FORMS:
        refused_or_read(
            lambda path: models_of(located(_text(path), path), {"KEY": "k"}), data, form
        )


def prompts(data: bytes) -> None:
    """A file of prompts."""
    for form in (".json", ".jsonl", ".csv", ".tsv"):
        refused_or_read(lambda path: prompt_file(Data(PromptFile(path))), data, form)


def sessions(data: bytes) -> None:
    """A file of sessions."""
    for form in (".json", ".jsonl"):
        refused_or_read(read_sessions, data, form)


def trace(data: bytes) -> None:
    """A trace: what is counted in the survey is what is replayed, in order."""
    refused_or_read(_replayed, data, ".jsonl")


def _replayed(path: str) -> None:
    found = survey(path, None)
    due_ns = [at_ns for at_ns, _ in replay(found)]
    assert len(due_ns) == found.rows
    assert due_ns == sorted(due_ns)


def _text(path: str) -> str:
    return read_text(path, "scenario", encoding="utf-8-sig")
