"""The run that has something for every part of a report; made once, never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .whole import whole_run


@pytest.fixture(scope="session")
def whole_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    whole_run(path).rebuild()
    return path
