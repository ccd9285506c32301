"""What the ``foundry`` program prints, and the lines that a user types at it. Pure.

Foundry Local was renamed on the way: up to 0.9 its command group is ``service``, from 0.10 on
``server``. Both print the endpoint in running text, with a port that changes at every start, among
words, colours and progress; so the rule is: the first address with a port counts, unless the text
says that nothing runs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Version = tuple[int, int]

SERVER, SERVICE = "server", "service"
_RENAMED: Version = (0, 10)

_ADDRESS = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.*+-]+):(\d{1,5})(?!\d)", re.I)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STOPPED = re.compile(r"\bnot (?:yet )?running\b|\bis stopped\b|\bstate\W+stopped\b", re.I)
_UNKNOWN = re.compile(r"unrecogni[sz]ed command|unknown command|required command", re.I)
_FAILED = re.compile(r"\bexception\b|\bfailed\b|\berror\b", re.I)
_VERSION = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?:\.\d+)*")
_EVERYWHERE = {"0.0.0.0", "[::]", "*", "+"}
"""A server that listens on all addresses is asked on this machine's own."""
_SHOWN_CHARS = 120


class Status(NamedTuple):
    """What ``foundry … status`` says."""

    url: str | None
    """Scheme, host and port; None where it names none."""
    why: str
    """What it says instead, fit for half a sentence."""


def status_of(text: str) -> Status:
    """The endpoint in the output of ``foundry server status`` or ``foundry service status``."""
    plain = _ESCAPE.sub("", text)
    if _STOPPED.search(plain):
        return Status(None, "says that it is not running")
    if _UNKNOWN.search(plain):
        return Status(None, "is not known to this version")
    found = _ADDRESS.search(plain)
    if found is not None and int(found[3]) in range(1, 65536):
        host = "127.0.0.1" if found[2] in _EVERYWHERE else found[2]
        return Status(f"{found[1].lower()}://{host}:{found[3]}", "")
    said = _telling_line(plain)
    return Status(None, f"names no address ({said})" if said else "says nothing")


def _telling_line(text: str) -> str:
    """The line that says what is wrong, else the last one."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    printable = ["".join(c if c.isprintable() else "?" for c in line) for line in lines]
    telling = next((line for line in printable if _FAILED.search(line)), None)
    return (telling or (printable[-1] if printable else ""))[:_SHOWN_CHARS]


def version_of(text: str) -> Version | None:
    """The major and minor number in the output of ``foundry --version``."""
    found = _VERSION.search(_ESCAPE.sub("", text))
    return None if found is None else (int(found[1]), int(found[2]))


def group_of(version: Version | None) -> str | None:
    """``server`` or ``service``, as this version calls it; None where it is not known."""
    if version is None:
        return None
    return SERVER if version >= _RENAMED else SERVICE


def start_line(version: Version | None) -> str:
    """How the user starts it; both ways where the version is not known."""
    group = group_of(version)
    if group is None:
        return f"`foundry {SERVER} start` (before version 0.10: `foundry {SERVICE} start`)"
    return f"`foundry {group} start`"


def install_line(platform: str) -> str | None:
    """How it is installed on a ``sys.platform``; None where no package is known."""
    lines = {
        "win32": "`winget install Microsoft.FoundryLocal`",
        "darwin": "`brew install microsoft/foundrylocal/foundrylocal`",
    }
    return lines.get(platform)


def download_line(model: str) -> str:
    """How the user gets a model that is not in the cache; the same in every version."""
    return f"`foundry model download {model}`"


def load_line(version: Version | None, model: str) -> str:
    """How the user loads a model by hand."""
    group = group_of(version)
    return f"`foundry model {'load' if group != SERVICE else 'run'} {model}`"


CACHED_LINE = "`foundry cache list`"
CATALOG_LINE = "`foundry model list`"
