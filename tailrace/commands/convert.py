"""``tailrace convert``: what another load generator wrote, as a run folder of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("path", metavar="FILE|DIR", type=_PATH)
@click.option(
    "--from",
    "tool",
    type=click.Choice(["auto", "guidellm", "aiperf", "vllm"]),
    default="auto",
    show_default=True,
)
@click.option("--out", "-o", type=_PATH, default=Path("runs"), show_default=True, metavar="DIR")
def convert(path: Path, tool: Any, out: Path) -> None:
    """Make a run folder of a result of guidellm, aiperf or vllm bench serve.

    report, compare, query and export then take it. Its verdict is CONVERTED: tailrace did not
    measure it, and cannot audit who did.

    \b
    tailrace convert benchmarks.json
    tailrace convert artifacts/ --from aiperf
    """
    from tailrace.results.convert_files import convert as converted

    folder = converted(path, tool, out)
    _, results, verdict = folder.rebuild()
    requests = sum(s["counts"]["measured"]["started"] for r in results for s in r["stages"])
    click.echo(f"{verdict.word}: {requests} requests, written to {folder.path}")
