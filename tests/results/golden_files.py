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


def told_apart(cases: Mapping[str, Sequence[str]], well: str | None = None) -> str:
    """Each case's title and lines; of all but one only the lines that this one has not.

    ``well`` is its title, by default the first.
    """
    known = next(iter(cases.values())) if well is None else cases[well]
    parts = [
        f"{title}\n{''.join(line for line in lines if lines is known or line not in known)}"
        for title, lines in cases.items()
    ]
    return "\n".join(parts)
