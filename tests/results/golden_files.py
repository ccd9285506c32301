"""Golden files: whole texts that were read once by a person, and must not change unseen."""

from __future__ import annotations

import os
from pathlib import Path


def assert_golden(path: Path, text: str) -> None:
    """Write the files anew with ``WRITE_GOLDEN=1`` and read the difference before it is kept."""
    if os.environ.get("WRITE_GOLDEN"):
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()
