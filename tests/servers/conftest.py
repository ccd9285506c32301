"""Real servers for the tests of this folder, each started once a session.

Rule: a server that cannot start is a failure, never a skip; what it needs is in the ``test``
extra, and a suite that quietly leaves out the only real endpoint proves nothing.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus import samples
from tiny_gguf import NAME, write_tiny_gguf

from tailrace.demo import llama_server

SLOTS = 4


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random llama of 1 MB whose answers run to max_tokens."""
    return write_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def llama_url(tiny_model: Path) -> Iterator[str]:
    """The base URL of llama.cpp's server with four slots."""
    with llama_server(tiny_model, SLOTS, alias=NAME) as url:
        yield url


@pytest.fixture
def llama_metrics(llama_url: str) -> Callable[[], dict[str, float]]:
    """Read what the server counted itself, without the ``llamacpp:`` in front."""

    def read() -> dict[str, float]:
        answer = httpx.get(llama_url.removesuffix("/v1") + "/metrics", trust_env=False)
        counted = samples(answer.raise_for_status().text)
        return {name.removeprefix("llamacpp:"): value for name, value in counted.items()}

    return read
