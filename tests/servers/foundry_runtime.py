"""The real Foundry Local runtime for tests, in an environment of its own that is made once.

It is 300 MB and of no use to anything else, so it is not in the ``test`` extra. Its wheels are
installed into ``.venv-foundry`` of the repository, which git ignores and ``make clean`` removes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import ROOT

ENVIRONMENT = ROOT / ".venv-foundry"
WANTED = ("foundry-local-sdk==2.2.1", "onnx>=1.17")
HERE = Path(__file__).parent
SMALL, LARGE, ABSENT = "tiny-generic-cpu:1", "steady-generic-cpu:1", "giant-generic-cpu:3"
TWINS = "twin-generic-cpu:1", "twin-other-cpu:1"
"""Two variants of one alias."""
_SIZES = {SMALL: "small", LARGE: "large", TWINS[0]: "small", TWINS[1]: "small"}


def python() -> Path:
    """The interpreter of that environment, which is made where it is missing or stale."""
    folder = "Scripts" if sys.platform == "win32" else "bin"
    program = ENVIRONMENT / folder / ("python.exe" if sys.platform == "win32" else "python")
    stamp = ENVIRONMENT / ".wanted"
    if not stamp.is_file() or stamp.read_text() != "\n".join(WANTED) or not program.exists():
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        install = ("-m", "pip", "install", "-q", "--disable-pip-version-check", *WANTED)
        subprocess.run([program, *install], check=True, timeout=600)
        stamp.write_text("\n".join(WANTED))
    return program


def _environment(home: Path) -> dict[str, str]:
    ours = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return ours | {"XDG_CACHE_HOME": str(home / "xdg")}


def write_models(home: Path) -> None:
    """Every model, and a catalog that has one more."""
    cache = home / "cache"
    program = python()
    for model_id, size in _SIZES.items():
        folder = cache / "Local" / model_id.replace(":", "-")
        command = [program, str(HERE / "tiny_onnx.py"), str(folder), size]
        subprocess.run(command, check=True, timeout=120, env=_environment(home))
        (folder / "inference_model.json").write_text(json.dumps({"Name": model_id}))
    sizes = {SMALL: 1, LARGE: 76, TWINS[0]: 1, TWINS[1]: 1, ABSENT: 5000}
    entries = [_entry(model_id, size_mb) for model_id, size_mb in sizes.items()]
    (cache / "foundry.modelinfo.json").write_text(
        json.dumps({"version": 1, "savedAtUnix": 1_790_000_000, "models": entries})
    )


def _entry(model_id: str, size_mb: int) -> dict[str, Any]:
    name, _, version = model_id.partition(":")
    words = {"task": "chat-completion", "license": "MIT", "publisher": "local"}
    return {
        **{"id": model_id, "name": name, "version": int(version), "displayName": name},
        **{"alias": name.partition("-")[0], "uri": f"local://{name}", "fileSizeMb": size_mb},
        **{"providerType": "FoundryLocal", "modelType": "ONNX"},
        **words,
        "runtime": {"deviceType": "CPU", "executionProvider": "CPUExecutionProvider"},
        "stringProperties": words | {"capabilities": "chat"},
        "intProperties": {"filesize_mb": size_mb, "created_at_unix": 1_790_000_000},
    }


@dataclass
class Runtime:
    """One that runs."""

    root: str
    process: subprocess.Popen[str]


@contextmanager
def foundry_runtime(home: Path) -> Iterator[Runtime]:
    """Serve the models of ``home`` at a free port."""
    process = subprocess.Popen(
        [python(), str(HERE / "serve_foundry.py"), str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(home),
    )
    with process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            root = next((line.strip() for line in lines if line.startswith("http")), "")
            assert root, f"the runtime ended with code {process.wait(10)}"
            yield Runtime(root, process)
        finally:
            process.kill()
