"""The command within the test's own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from .inside import Inside


@pytest.fixture
def inside(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Inside:
    return Inside(monkeypatch, capfd, tmp_path)
