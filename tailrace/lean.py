"""Lean: what a start would cost beyond what it needs. For entry points, before they import."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator

COLLECT_AT = 50_000, 20, 100
"""Imports and rows make hardly any garbage in cycles, and the collector would look through what
they make time and again: at Python's own thresholds it takes a tenth of the start."""
_BLAS = "OPENBLAS_NUM_THREADS"


def start_lean() -> None:
    """To be called once, as a process begins."""
    gc.set_threshold(*COLLECT_AT)
    # httpx loads a command line of its own, with all of rich and pygments, unless it cannot: that
    # is 30 ms of each start for what nobody calls here.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Import numpy in here: its BLAS would start a thread a core, and nothing multiplies matrices.

    Afterwards the environment is as it was, for a server that a run starts may well multiply them.
    """
    if _BLAS in os.environ:
        yield
        return
    os.environ[_BLAS] = "1"
    try:
        yield
    finally:
        del os.environ[_BLAS]
