"""Golden files: whole texts that were read once by a person, and must not change unseen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def assert_golden(path: Path, text: str) -> None:
    """Write the files anew with ``WRITE_GOLDEN=1`` and read the difference before it is kept."""
    if os.environ.get("WRITE_GOLDEN"):
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


def told_apart(cases: Mapping[str, Sequence[str]]) -> str:
    """Each case's title and lines; of all but the first only the lines that the first has not."""
    first = next(iter(cases.values()))
    parts = [
        f"{title}\n{''.join(line for line in lines if lines is first or line not in first)}"
        for title, lines in cases.items()
    ]
    return "\n".join(parts)
