"""The page about Foundry Local says what the code does."""

from __future__ import annotations

import re

from tailrace.engine.foundry_command import WITHIN_S
from tailrace.engine.foundry_discovery import DEFAULT, VARIABLE
from tailrace.engine.foundry_loader import AGAIN_S, TTL_S
from tailrace.scenarios.located import located
from tailrace.scenarios.model_entry import READY_S
from tailrace.scenarios.models_file import models_of

from .command import ROOT

PAGE = (ROOT / "docs" / "foundry.md").read_text(encoding="utf-8")


def test_the_steps_of_the_search_are_those_of_the_code() -> None:
    steps = ["--url", VARIABLE, "foundry server status", "foundry service status", DEFAULT]
    numbered = re.findall(r"^\d\. (.*)$", PAGE, re.MULTILINE)
    assert len(numbered) == len(steps)
    for step, line in zip(steps, numbered, strict=True):
        assert step in line


def test_its_figures_are_those_of_the_code() -> None:
    assert f"has {WITHIN_S:g} s" in PAGE
    assert f"every {AGAIN_S:g} s" in PAGE
    assert f"may take {READY_S:g} s" in PAGE
    assert TTL_S == 3600
    assert "an hour" in PAGE


def test_its_models_file_is_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    phi, qwen = models_of(located(block, "models.json"), {}).entries
    assert (phi.server, phi.model, qwen.server) == ("foundry", "phi-4-mini", None)
