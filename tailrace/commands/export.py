"""``tailrace export``: a finished run in a form that other tools read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.errors import TargetError, UsageError

if TYPE_CHECKING:
    from tailrace.results.export.chosen import Chosen

_FORMS = ("json", "csv", "requests-csv", "markdown", "otel", "hgrm", "parquet")
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
@click.option(
    "--to",
    metavar="URL",
    help="Send otel's spans to the collector there, as http://127.0.0.1:4318; env is the one that "
    "OTEL_EXPORTER_OTLP_ENDPOINT names.",
)
@click.option("--model", metavar="M", help="Only this model of the run.")
@click.option("--level", metavar="K", help="Only this load, as the tables name it: 8, 50/s.")
def export(
    run: Path, form: str, out: Path | None, to: str | None, model: str | None, level: str | None
) -> None:
    """Write a run as JSON, CSV, Markdown, OpenTelemetry spans, .hgrm or Parquet, or send it.

    \b
    tailrace export RUN --format markdown
    tailrace export RUN --format parquet --out data/
    tailrace export RUN --format otel --out spans.jsonl --level 8
    tailrace export RUN --format otel --to http://127.0.0.1:4318
    """
    from tailrace.results.export.chosen import chosen

    _require_fitting(form, out, to)
    of = chosen(run, model, level)
    if to is not None:
        _send_spans(of, to)
    else:
        _write(of, form, out)


def _require_fitting(form: str, out: Path | None, to: str | None) -> None:
    if to is not None and form != "otel":
        raise UsageError(f"--to goes with --format otel; --format {form} is written, to --out")
    if to is not None and out is not None:
        raise UsageError("--out and --to exclude each other: a file, or a collector")


def _write(of: Chosen, form: str, out: Path | None) -> None:
    from tailrace.results.export.forms import OF_ONE_FILE, write_form

    if out is None and form not in OF_ONE_FILE:
        raise UsageError(f"--format {form} writes several files: name a folder with --out DIR")
    if out is None:
        sys.stdout.buffer.writelines(OF_ONE_FILE[form](of))
        return
    for path in write_form(of, form, out):
        click.echo(f"written to {path}", err=True)


def _send_spans(of: Chosen, to: str) -> None:
    from tailrace.engine.otlp_endpoint import otlp_endpoint
    from tailrace.engine.otlp_sender import OtlpSender
    from tailrace.results.export.otlp import otlp_batches

    endpoint = otlp_endpoint(to, os.environ)
    sender = OtlpSender(endpoint, lambda text: click.echo(text, err=True))
    sent = sender.send(otlp_batches(of.facts, of.rows()))
    said = "".join(f"; it says: {words}" for words in sent.words)
    if sent.rejected:
        raise TargetError(
            f"{endpoint.url} did not take {sent.rejected} of {sent.spans} spans{said}", "rejected"
        )
    batches = f"{sent.batches} request{'s' * (sent.batches != 1)}"
    click.echo(f"{sent.spans} spans sent to {endpoint.url} in {batches}{said}")
