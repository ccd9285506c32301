"""``tailrace check``: what is wrong before a run, row by row, with what mends it.

It takes every option of ``tailrace run``, so that the word is all that changes in a command line;
the help shows those that make a difference here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tailrace.commands.file import located_errors, settled
from tailrace.commands.options import run_options, wanted
from tailrace.commands.said import say_error, say_json
from tailrace.errors import EXIT_OK, EXIT_UNREACHABLE, UsageError

if TYPE_CHECKING:
    from tailrace.results.checks import Report
    from tailrace.scenarios.model import Scenario

_SHOWN = frozenset(
    {"config", "url", "models", "models_file", "concurrency", "dialect", "headers", "api_key_file"}
    | {"stream", "stream_usage", "extra_body", "transport", "stamps", "loop", "workers"}
    | {"auth", "client_cert", "client_key", "http2", "proxy", "foundry"}
    | {"ca_file", "insecure", "connect_timeout", "probe_tokens", "within", "as_json", "help"}
)
_LOADS = ("concurrency", "rate", "replay", "trace", "levels")


@click.command()
@run_options
@click.option(
    "--probe-tokens",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Longest answer of a probe, in tokens.",
)
@click.option(
    "--within",
    default="15s",
    show_default=True,
    metavar="TIME",
    help="Send nothing after this time, and cut off what is under way.",
)
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON on standard output.")
@click.pass_context
def check(
    ctx: click.Context, /, probe_tokens: int, within: str, as_json: bool, **values: Any
) -> None:
    """Look for what would spoil a run: this machine, the server, and each model.

    Takes the options of `tailrace run` (a SCENARIO file too) and sends each model two short
    requests and one burst of as many users as the levels ask (8 where none are given, at most 64).
    Without --model it takes auto. WARN is worth reading; FAIL ends with exit code 3.

    \b
    tailrace check --url http://127.0.0.1:8080/v1
    tailrace check --url http://127.0.0.1:8080/v1 --model M --concurrency 1,2,4,8
    """
    from tailrace.check import Wish
    from tailrace.check import check as look
    from tailrace.scenarios import parse

    within_s = parse.positive(within, "--within")
    with located_errors(ctx):
        given = _given(settled(ctx, values))
        want = wanted(given)
        users = _users(given, want.scenario)
        report = look(
            Wish(
                *(want.scenario, want.secret_headers, want.model_headers),
                *(users, probe_tokens, within_s),
            )
        )
    _print(report, as_json)
    first = report.first_failure
    if first is not None:
        from tailrace.results.checks import failure_line

        say_error(f"check failed: {failure_line(first)}")
    ctx.exit(EXIT_OK if first is None else EXIT_UNREACHABLE)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    if values["resume"] is not None:
        raise UsageError("--resume: check looks at what is to be run; give --url and --model")
    if not (values["models"] or values["models_file"] or values["adapter"]):
        return values | {"models": ("auto",)}
    return values


def _users(values: dict[str, Any], scenario: Scenario) -> int | None:
    """The most users that the levels ask for; None where nothing says how many."""
    if not any(values.get(name) for name in _LOADS):
        return None
    return max(level.users or level.max_in_flight or 0 for level in scenario.levels) or None


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        say_json(report.to_dict())
        return
    from rich.console import Console

    from tailrace.results.render import checks
    from tailrace.results.render.text import ascii_text

    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        for part in checks.table(report):
            console.print(part)
        return
    for line in checks.plain_lines(report):
        click.echo(ascii_text(line) if console.options.ascii_only else line)


for _option in check.params:
    if isinstance(_option, click.Option):
        _option.hidden = _option.name not in _SHOWN
