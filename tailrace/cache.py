"""The cache: what tailrace keeps between runs, in this user's cache folder.

Rule: nothing here is needed. A file that is missing, torn or of another version is passed over as
if it were not there, so that the folder can be deleted at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tailrace.errors import ResultError, UsageError
from tailrace.results.calibration import Calibration, calibration_from_dict, fits

_PREFIX = "calibration-"


def cache_folder() -> Path:
    """Return tailrace's folder in this user's cache, by the custom of the system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tailrace"


def calibration_path(stamp: str, folder: Path | None = None) -> Path:
    """Where a calibration of that time is kept; the names sort by time."""
    return (folder or cache_folder()) / f"{_PREFIX}{stamp}.json"


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write it whole or not at all; raises UsageError when nothing can be written there."""
    import orjson

    from tailrace.results.atomic import write_atomic

    data = orjson.dumps(
        calibration.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
    except OSError as exc:
        raise UsageError(
            f"the calibration cannot be written to {str(path)!r}: {exc.strerror}; "
            "choose another file with --out"
        ) from None


def read_calibration(path: Path) -> Calibration:
    """What the file holds; raises ResultError when that is no calibration."""
    from tailrace.results.reading import read_json

    return calibration_from_dict(read_json(path), repr(str(path)))


def newest(
    host: Mapping[str, Any], engine: Mapping[str, Any], folder: Path | None = None
) -> Calibration | None:
    """The newest calibration of this machine with the same loop, transport and stamps."""
    matching = (found for found in _kept(folder or cache_folder()) if fits(found, host, engine))
    return next(matching, None)


def _kept(folder: Path) -> Iterator[Calibration]:
    """Every calibration that can be read, newest first."""
    try:
        paths = sorted(folder.glob(f"{_PREFIX}*.json"), reverse=True)
    except OSError:
        return
    for path in paths:
        try:
            yield read_calibration(path)
        except ResultError:
            continue
