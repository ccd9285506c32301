"""Catalog: the ready scenario files that come with tailrace, ``catalog:NAME`` on the command line.

Rule: a file's first line is a comment that says in one sentence what the workload is.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from tailrace.errors import UsageError
from tailrace.scenarios.keys import nearest

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PREFIX = "catalog:"
_SUFFIX = ".toml"


def names() -> list[str]:
    """What there is, in alphabetical order."""
    found = (entry.name for entry in _folder().iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))


def file_name(name: str) -> str:
    """``catalog:chat.toml``, for messages about it."""
    return f"{PREFIX}{_bare(name)}{_SUFFIX}"


def text_of(name: str) -> str:
    """The file of that name, with or without the prefix; raises UsageError for one not there."""
    bare = _bare(name)
    known = names()
    if bare not in known:
        guess = nearest(bare, known)
        raise UsageError(f"the catalog has no {bare!r}{guess or '; it has ' + ', '.join(known)}")
    return (_folder() / (bare + _SUFFIX)).read_text(encoding="utf-8")


def about(name: str) -> str:
    """What it is, in one line."""
    return text_of(name).split("\n", 1)[0].lstrip("# ").strip()


def _bare(name: str) -> str:
    return name.removeprefix(PREFIX).removesuffix(_SUFFIX)


def _folder() -> Traversable:
    return files("tailrace.scenarios") / "catalog"
