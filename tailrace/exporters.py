"""Exporters: forms of an export that other installed packages add; see docs/plugins.md.

The entry point of the group ``tailrace.exporters`` is called with the run and with ``--to``. What
it returns is the file's text, piece by piece; one that returns nothing has written or sent it all
itself. Runs foreign code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from tailrace.errors import TailraceError, UsageError
from tailrace.plugins import package_of, plugin, plugin_names
from tailrace.results.export.chosen import Chosen

GROUP: Literal["tailrace.exporters"] = "tailrace.exporters"


def exporter_names() -> list[str]:
    """Those of installed packages, sorted; none is imported."""
    return plugin_names(GROUP)


def exported(name: str, run: Chosen, to: str | None) -> Iterator[bytes] | None:
    """The pieces of the file, or None where the exporter has done it all.

    Raises UsageError that names the exporter and its package, also while the pieces are taken, and
    whatever of tailrace's own errors the exporter raises.
    """
    make = plugin(GROUP, name)
    with _blamed(name):
        made = make(run, to)
        if made is None:
            return None
        if isinstance(made, (str, bytes)):
            made = (made,)
        if not isinstance(made, Iterable):
            raise TypeError(f"it returned {type(made).__name__}, not the text of a file")
    return _pieces(name, made)


def _pieces(name: str, made: Iterable[Any]) -> Iterator[bytes]:
    with _blamed(name):
        for piece in made:
            if not isinstance(piece, (str, bytes)):
                raise TypeError(f"it gave {type(piece).__name__}, and not text or bytes")
            yield piece.encode() if isinstance(piece, str) else piece


@contextmanager
def _blamed(name: str) -> Iterator[None]:
    try:
        yield
    except TailraceError:
        raise
    except Exception as exc:  # whatever the plugin's own code raises
        raise UsageError(
            f"--format {name}, from {package_of(GROUP, name)}, failed: {type(exc).__name__}: {exc}"
        ) from exc
