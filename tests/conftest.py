"""Fixtures for the whole suite: a scripted endpoint that answers fast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tailrace.simulate import Script, background


@pytest.fixture(scope="session")
def sim_url() -> Iterator[str]:
    """Base URL of an endpoint with two models and short, known delays."""
    script = Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=16, models=("sim", "a/b:1"))
    with background(script) as url:
        yield url
