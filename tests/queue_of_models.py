"""Models files for the tests of the command: servers that are the scripted endpoint, or broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SIMULATE = [
    *(sys.executable, "-m", "tailrace", "simulate", "--port", "{port}", "--model", "sim"),
    *("--ttft", "10ms", "--gap", "2ms"),
]


def served(*more: str, **tags: Any) -> dict[str, Any]:
    """An entry whose server is the scripted endpoint."""
    return {"model": "sim", "serve": [*SIMULATE, *more], **tags}


def python(code: str, **tags: Any) -> dict[str, Any]:
    """An entry whose server is a line of Python; ``sys.argv[1]`` is its port."""
    return {"serve": [sys.executable, "-c", code, "{port}"], **tags}


def write_models(folder: Path, models: Any, name: str = "models.json") -> str:
    """Write a models file; returns its name."""
    (folder / name).write_text(json.dumps(models, indent=1), encoding="utf-8")
    return name
