"""Loops: which event loop runs the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tailrace.scenarios.model import LoopName


def choose_loop(wanted: LoopName) -> tuple[str, Callable[[], Any] | None]:
    """(name for the result, factory); ``auto`` takes uvloop or winloop where it is installed."""
    if wanted in ("auto", "uvloop"):
        for name in ("uvloop", "winloop"):
            try:
                module = __import__(name)
            except ImportError:
                continue
            return name, module.new_event_loop
    return "asyncio", None
