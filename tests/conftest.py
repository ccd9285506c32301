"""Fixtures for the whole suite: every event loop, and a scripted endpoint that answers fast."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from tailrace.simulate import Script, background

LOOPS = ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])


@pytest.fixture(scope="session", params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    """The name of an event loop, for `tailrace.simulate.launch.loop_factory`."""
    return str(request.param)


@pytest.fixture(scope="session")
def sim_url() -> Iterator[str]:
    """Base URL of an endpoint with two models and short, known delays."""
    script = Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=16, models=("sim", "a/b:1"))
    with background(script) as url:
        yield url
