"""Server files: ``server.jsonl`` of a model, read from its folder."""

from __future__ import annotations

from pathlib import Path

from tailrace.results.server_log import SERVER_LOG, ServerLog, parse_log


def read_log(folder: Path) -> ServerLog:
    """What was seen of the model's server; an empty log where nobody looked.

    Raises ResultError of a line that cannot be one of a log.
    """
    path = folder / SERVER_LOG
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return ServerLog()
    with file:
        return parse_log(file, repr(str(path)))
