"""``tailrace export``: a finished run in a form that other tools read."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tailrace.errors import UsageError

_FORMS = (
    *("json", "csv", "requests-csv", "markdown", "otel", "openmetrics", "prometheus"),
    *("hgrm", "parquet"),
)
"""As in results/export/forms.py, which is imported only when there is something to export."""


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--format", "-f", "form", type=click.Choice(_FORMS), required=True)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="A file, or for hgrm and parquet a folder.  [default: standard output]",
)
@click.option("--model", metavar="M", help="Only this model of the run.")
@click.option("--level", metavar="K", help="Only this load, as the tables name it: 8, 50/s.")
def export(run: Path, form: str, out: Path | None, model: str | None, level: str | None) -> None:
    """Write a run as JSON, CSV, Markdown, OpenTelemetry, Prometheus text, .hgrm or Parquet.

    \b
    tailrace export RUN --format markdown
    tailrace export RUN --format parquet --out data/
    tailrace export RUN --format otel --out spans.jsonl --level 8
    """
    from tailrace.results.export.chosen import chosen
    from tailrace.results.export.forms import OF_ONE_FILE, write_form

    if out is None and form not in OF_ONE_FILE:
        raise UsageError(f"--format {form} writes several files: name a folder with --out DIR")
    of = chosen(run, model, level)
    if out is None:
        sys.stdout.buffer.writelines(OF_ONE_FILE[form](of))
        return
    for path in write_form(of, form, out):
        click.echo(f"written to {path}", err=True)
