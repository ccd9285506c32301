"""Said: a line on standard error, or JSON on standard output, whatever is quoted in it.

Rule: no secret, no escape sequence and no line break of a server's gets through to a terminal.
"""

from __future__ import annotations

from typing import Any

import click

from tailrace.hidden import without_secrets


def say_error(text: object) -> None:
    """``tailrace: …``."""
    from tailrace.results.render.text import safe_text

    click.echo(f"tailrace: {safe_text(without_secrets(str(text)))}", err=True)


def say_json(document: Any) -> None:
    """The document, indented."""
    import orjson

    from tailrace.results.render.text import printable_json

    click.echo(printable_json(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()))


def say_who_reaches(host: str, option: str = "--host") -> None:
    """One line where not only this machine's programs do."""
    from tailrace.engine.server_process import is_loopback

    if not is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}"):
        say_error(
            f"{option} {host}: whoever reaches this machine over its network can use this "
            "endpoint; 127.0.0.1 keeps it to this machine"
        )
