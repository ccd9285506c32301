"""Credentials: the key and the secret headers of a run, as they are read.

Rule: no secret comes from the command line, where other users of the machine see it and shells keep
it; ``${NAME}`` in a header stands for a variable of the environment. What is read is remembered, to
be kept out of all that is written (see hidden.py).
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from click.core import ParameterSource

from tailrace.commands.show import key_variable
from tailrace.errors import UsageError
from tailrace.hidden import hide, hide_headers, is_secret_name
from tailrace.scenarios import parse
from tailrace.scenarios.files import read_text
from tailrace.scenarios.model_entry import filled_in, variables
from tailrace.scenarios.model_fields import secret_in

Headers = tuple[tuple[str, str], ...]


def given_headers(texts: tuple[str, ...]) -> Headers:
    """The headers of ``--header``; raises UsageError for a secret that was typed."""
    context = click.get_current_context(silent=True)
    source = None if context is None else context.get_parameter_source("headers")
    typed = source is ParameterSource.COMMANDLINE
    found = tuple(_header(text, typed) for text in texts)
    hide_headers(found)
    return found


def _header(text: str, typed: bool) -> tuple[str, str]:
    name, value = parse.header(text)
    if typed and value and is_secret_name(name) and not variables(value):
        raise UsageError(
            f"--header {name!r} must not hold its secret, which others can see on a command line; "
            f"put it into a variable and write --header '{name}: ${{NAME}}', in single quotes"
        )
    try:
        return parse.header(f"{name}: {filled_in(value, os.environ)}")
    except KeyError as exc:
        raise UsageError(
            f"--header {name!r} needs ${{{exc.args[0]}}}, which the environment does not set"
        ) from None


def extra_body(text: str | None) -> dict[str, Any]:
    """The object of ``--extra-body``; raises UsageError for a secret in it."""
    body = parse.json_object(text, "--extra-body") if text else {}
    if (name := secret_in("", body)) is not None:
        raise UsageError(
            f"--extra-body holds what looks like a secret ({name}) and would be kept in run.json; "
            f"send it as --header '{name}: ${{NAME}}'"
        )
    return body


def api_key(path: str | None) -> str | None:
    """The key from a file, from standard input, or from the environment; never from argv."""
    if path == "-":
        key = sys.stdin.readline()
    elif path is not None:
        key = read_text(path, "--api-key-file file")
    else:
        key = os.environ.get(key_variable() or "", "")
    return hidden_key(key, "the")


def hidden_key(text: str, whose: str) -> str | None:
    """A key as a header carries it, None for none; raises UsageError for what no header can."""
    key = parse.header_key(text, whose)
    if key is not None:
        hide(key)
    return key
