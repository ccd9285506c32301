"""The runs that every renderer is tried on; built once, never changed."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from tailrace.results.verdict import judge

from .runs import HOSTILE_ERROR, HOSTILE_MODEL, Run, make_run, with_texts


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run()


@pytest.fixture(scope="session")
def hostile(run: Run) -> Run:
    return with_texts(run, HOSTILE_MODEL, HOSTILE_ERROR)


@pytest.fixture(scope="session")
def invalid(run: Run) -> Run:
    """The same figures with their books out of balance."""
    facts = copy.deepcopy(run.facts)
    facts.models[0].stages[1].books.started += 1
    facts.ended = "interrupted"
    return replace(run, facts=facts, verdict=judge(facts, run.results))
