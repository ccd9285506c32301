"""Hidden: what this process knows and must never write, and how it is taken out of others' words.

Rule: a secret is handed to ``hide`` when it is read. What a server says (some name the key that
they refuse) and what an exception says passes ``without_secrets`` before it is kept or printed.
Why one list for the process: an error may come up anywhere, and nobody may have to know the keys
to be able to say what went wrong. Imports nothing of the house, so all may use it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

HIDDEN = "(hidden)"
LEAST_CHARS = 8
"""Shorter secrets are not looked for: placeholders like ``none`` stand in half of all sentences."""

_SECRET_HEADER = re.compile(r"auth|cookie|credential|key|passw|secret|signature|token", re.I)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PARTS = re.compile(r"[\s;,=]+")
_known: list[str] = []
"""Longest first, so that none is left as half of another."""


def is_secret_name(name: str) -> bool:
    """Whether a header's name says that its value is for the server alone."""
    return _SECRET_HEADER.search(name) is not None


def hide(secret: str) -> None:
    """Remember a secret, as it is and as JSON, URLs and Python's own messages would write it."""
    from urllib.parse import quote

    in_json = secret.replace("\\", "\\\\").replace('"', '\\"')
    forms = {secret, in_json, quote(secret, safe=""), repr(secret)[1:-1]}
    new = {form for form in forms if len(form) >= LEAST_CHARS and form not in _known}
    if new:
        _known[:] = sorted({*_known, *new}, key=len, reverse=True)


def hide_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Remember the values of those headers whose names say that they are secret, and their parts:
    the key behind ``Bearer``, a cookie's value, the password in ``Basic``.
    """
    for name, value in headers:
        if is_secret_name(name):
            for part in (value, *_PARTS.split(value)):
                hide(part)
            if value.lower().startswith("basic "):
                hide(_password(value.split()[-1]))


def hide_password(user: str, password: str) -> None:
    """Remember a password, alone and as HTTP's Basic sends it."""
    import base64

    hide(password)
    hide(base64.b64encode(f"{user}:{password}".encode()).decode())


def _password(encoded: str) -> str:
    import base64
    import binascii

    try:
        return base64.b64decode(encoded).decode("utf-8", "replace").partition(":")[2]
    except binascii.Error:
        return ""


def without_secrets(value: Any) -> Any:
    """A text, or texts in lists and objects, with ``(hidden)`` for every secret in it."""
    if isinstance(value, str):
        for secret in _known:
            if secret in value:
                value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, bytes):
        for secret in _known:
            value = value.replace(secret.encode(), HIDDEN.encode())
        return value
    if isinstance(value, dict):
        return {without_secrets(key): without_secrets(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_secrets(part) for part in value]
    return value


def guard_tracebacks() -> None:
    """Have what nobody caught printed without secrets as well."""
    sys.excepthook = _print


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    import traceback

    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(_CONTROLS.sub("?", str(without_secrets(text))))
