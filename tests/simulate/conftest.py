"""Endpoints in processes of their own, one for each event loop."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tailrace.simulate import Script, background

QUICK = Script(
    ttft_ns=8_000_000,
    gap_ns=2_000_000,
    tokens=5,
    models=("sim", "org/sim:7b"),
    fault_after=3,
)


@pytest.fixture(scope="session")
def endpoint(loop: str) -> Iterator[str]:
    """The quick script's base URL."""
    with background(QUICK, loop=loop) as url:
        yield url


@pytest.fixture
def start(loop: str) -> Iterator[Callable[[Script], str]]:
    """Starts an endpoint with a script of the test's own."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(background(script, loop=loop))


@pytest.fixture
def client(endpoint: str) -> Iterator[httpx.Client]:
    """A client with a clean truth before it."""
    with httpx.Client(base_url=endpoint, timeout=10, verify=False) as made:
        made.delete(endpoint.removesuffix("/v1") + "/truth")
        yield made
