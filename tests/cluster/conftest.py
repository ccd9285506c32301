"""One cluster for the tests that leave it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .two_nodes import TwoNodes, two_nodes


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    with two_nodes(tmp_path_factory.mktemp("cluster")) as made:
        yield made
