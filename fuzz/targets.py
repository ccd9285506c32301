"""Targets: every law by its name. Each takes bytes, and fails by an exception alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzz import result_files, scenario_files
from fuzz.answers import DIALECTS
from fuzz.streams import ndjson, sse
from fuzz.wire import wire

_WRITTEN = ("scenario", "models", "prompts", "sessions", "trace")
_LEFT = ("facts", "journal", "result", "baseline", "note", "foreign", "records")
_MORE = ("server", "outputs", "calibration", "sheet", "judge")

TARGETS: dict[str, Callable[[bytes], None]] = {
    "sse": sse,
    "ndjson": ndjson,
    "wire": wire,
    **DIALECTS,
    **{name: getattr(scenario_files, name) for name in _WRITTEN},
    **{name: getattr(result_files, name) for name in (*_LEFT, *_MORE)},
}

CORPUS = Path(__file__).parent / "corpus"


def seeds(name: str) -> list[Path]:
    """The committed inputs of a target, in order."""
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())
