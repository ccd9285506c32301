"""One cluster for the tests that leave it whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .two_nodes import TwoNodes, two_nodes


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    with two_nodes(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path) -> Iterator[None]:
    """What a killed node keeps of a test's runs is for nobody to fetch."""
    yield
    for run in tmp_path.glob("*-r"):
        for folder in Path(tempfile.gettempdir()).glob(f"tailrace-{run.name}-*"):
            shutil.rmtree(folder, ignore_errors=True)
