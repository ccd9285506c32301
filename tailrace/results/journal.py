"""Journal: ``requests.jsonl``, one line a request, appended as it ends and read back row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tailrace.results.schema import Row, parse_row

JOURNAL = "requests.jsonl"


class Journal:
    """``requests.jsonl`` open for appending; unbuffered: a line is out when ``append`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, line: bytes) -> None:
        """One line, newline included."""
        self._file.write(line)

    def close(self) -> None:
        """No more lines."""
        self._file.close()


class JournalReader:
    """Rows of a journal, one at a time. A line cut off by the writer's death is counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn_lines = 0

    def __iter__(self) -> Iterator[Row]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return  # the model failed before its first request
        with file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield parse_row(line, f"{str(self.path)!r} line {number}")
                else:
                    self.torn_lines += 1
