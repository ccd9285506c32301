"""Journal: ``requests.jsonl``, one line a request, appended as it ends and read back row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tailrace.results.atomic import appending
from tailrace.results.schema import Row, parse_row

JOURNAL = "requests.jsonl"


class Journal:
    """``requests.jsonl`` open for appending; unbuffered: a line is out when ``append`` returns.

    What a full disk does not take stays here, and goes out before anything else once there is room:
    with the next line, or at the end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = appending(path)
        self._left = b""
        self.problem: str | None = None
        """Why lines are left, in a sentence."""

    def append(self, lines: bytes) -> None:
        """Whole lines, newlines included; look at ``problem`` behind it."""
        data = self._left + lines if self._left else lines
        try:
            while data:
                data = data[self._file.write(data) :]
            self.problem = None
        except OSError as exc:
            self.problem = f"{str(self._path)!r} cannot be written: {exc.strerror}"
        self._left = data

    @property
    def lines_left(self) -> int:
        """Lines that are not, or not whole, in the file."""
        return self._left.count(b"\n")

    def close(self) -> None:
        """No more lines."""
        self.append(b"")
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
