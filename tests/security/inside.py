"""Runs the command in this process, which is much faster than in one of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tailrace import hidden
from tailrace.cli import main


class Inside:
    """The whole command from ``main`` on, with what it prints."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self._patch, self._capture = monkeypatch, capfd
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(hidden, "_known", [])

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and both outputs, one behind the other."""
        self._patch.setattr(sys, "argv", ["tailrace", *arguments])
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capture.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err
