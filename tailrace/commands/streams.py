"""Streams: standard output and error, made ready for anything and left in peace."""

from __future__ import annotations

import io
import os
import sys


def print_anything() -> None:
    """A console that does not speak UTF-8 (cp1252 on Windows) shows what it lacks as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="backslashreplace")


def leave_closed_streams() -> None:
    """Nobody reads them any more; Python would try once again at its exit, and fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
