"""Session files: the sessions of a scenario, read from its file or made up. I/O.

Each worker makes them for itself; what goes between processes is the description.
"""

from __future__ import annotations

from pathlib import Path

from tailrace.scenarios.files import read_bytes
from tailrace.scenarios.sessions import (
    ListedScripts,
    MadeScripts,
    Scripts,
    Sessions,
    SessionScript,
    parse_document,
    parse_lines,
)


def scripts_of(sessions: Sessions, seed: int, salt: str) -> Scripts:
    """The sessions that the scenario describes; UsageError where its file is not such."""
    if sessions.file is None:
        return MadeScripts(sessions, seed, salt)
    return ListedScripts(read_sessions(sessions.file))


def read_sessions(path: str) -> list[SessionScript]:
    """The sessions of a JSON or JSONL file; JSONL where its name ends so."""
    where = f"--sessions file {path!r}"
    data = read_bytes(path, "--sessions file", mend="; name another file")
    lines = Path(path).suffix.lower() in (".jsonl", ".ndjson")
    return parse_lines(data, where) if lines else parse_document(data, where)
