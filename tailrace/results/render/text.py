"""safe_text: what a server or a user wrote, made fit to print on one line anywhere. Pure.

Rule: every text that is not ours passes here before it reaches a terminal, a table or a file that
people open. Model ids, error bodies and finish reasons come from strangers: a terminal escape
sequence could repaint the screen, a bidirectional override could turn a number round, a newline
could forge a table row. Escaping for Markdown or HTML comes after, in the file that writes it.
"""

from __future__ import annotations

import re
import unicodedata

_SEQUENCES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    "|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)"  # OSC, DCS, SOS, PM, APC: titles, links
    "|\x1b[ -/]*[0-~]"  # two-byte sequences
)
MARKS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal acts on beside the controls of ASCII."""
_DROPPED = frozenset({"Cc", "Cf", "Zl", "Zp"})


def safe_text(text: str, limit: int | None = None) -> str:
    """One line without escape sequences, control, format or surrogate characters.

    Runs of white space become one space. Longer than ``limit`` is cut and ends with an ellipsis.
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(map(_safe_char, _SEQUENCES.sub("", text)))
    text = " ".join(text.split())
    return text if limit is None or len(text) <= limit else text[: limit - 1].rstrip() + "…"


def printable_json(document: str) -> str:
    """JSON with the controls that it may hold as they are (C1, marks of direction) as escapes."""
    return MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _safe_char(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category in _DROPPED else char


def ascii_text(text: str) -> str:
    """The same with plain ASCII only, for a terminal whose encoding has no more."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


_ASCII = str.maketrans(
    {"≥": ">=", "±": "+/-", "—": "-", "·": "|", "…": "...", "█": "#", "░": ".", "●": "*"}
)
