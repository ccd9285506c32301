"""``tailrace export``: a finished run in a form that other tools read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.commands.option import option
from tailrace.errors import UsageError

if TYPE_CHECKING:
    from tailrace.results.export.chosen import Chosen

WRITTEN = (
    *("json", "csv", "requests-csv", "markdown", "otel", "openmetrics", "prometheus"),
    *("hgrm", "parquet"),
)
"""As in results/export/forms.py, which is imported only when there is something to export."""
SENT = ("otel", "mlflow")
OURS = (*WRITTEN, "mlflow")


def _checked(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A name of ours; those of other packages are only looked for if need be."""
    if value not in OURS:
        from tailrace.exporters import exporter_names

        names = exporter_names()
        if value not in names:
            raise UsageError(
                f"--format {value!r} is unknown; there are {', '.join((*OURS, *names))}"
            )
    return value


def _completed(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from tailrace.exporters import exporter_names

    return [name for name in (*OURS, *exporter_names()) if name.startswith(incomplete)]


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "-f",
    "form",
    required=True,
    callback=_checked,
    shell_complete=_completed,
    metavar="NAME",
    help=f"{', '.join(OURS)}, or a plugin's.",
)
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
    help="Send it: otel to a collector, as http://127.0.0.1:4318; mlflow to a server or database, "
    "as http://127.0.0.1:5000 or sqlite:///mlflow.db. env is what OTEL_EXPORTER_OTLP_ENDPOINT or "
    "MLFLOW_TRACKING_URI names.  [default: for mlflow, env]",
)
@option(
    "--experiment",
    env=["MLFLOW_EXPERIMENT_NAME"],
    metavar="NAME",
    default="tailrace",
    show_default=True,
    help="Of mlflow.",
)
@click.option("--model", metavar="M", help="Only this model of the run.")
@click.option("--level", metavar="K", help="Only this load, as the tables name it: 8, 50/s.")
def export(
    run: Path,
    form: str,
    out: Path | None,
    to: str | None,
    experiment: str,
    model: str | None,
    level: str | None,
) -> None:
    """Write a run as JSON, CSV, Markdown, spans, Prometheus text, .hgrm or Parquet, or send it.

    \b
    tailrace export RUN --format markdown
    tailrace export RUN --format parquet --out data/
    tailrace export RUN --format otel --out spans.jsonl --level 8
    tailrace export RUN --format otel --to http://127.0.0.1:4318
    tailrace export RUN --format mlflow --to sqlite:///mlflow.db
    """
    from tailrace.commands.sending import send_spans, send_to_mlflow
    from tailrace.results.export.chosen import chosen

    _require_fitting(form, out, to)
    of = chosen(run, model, level)
    if form == "mlflow":
        send_to_mlflow(of, to, experiment)
    elif form not in OURS:
        _write_by_plugin(of, form, out, to)
    elif to is not None:
        send_spans(of, to)
    else:
        _write(of, form, out)


def _require_fitting(form: str, out: Path | None, to: str | None) -> None:
    if form not in OURS:
        return
    if to is not None and form not in SENT:
        raise UsageError(
            f"--to goes with --format {' or '.join(SENT)}; --format {form} is written, to --out"
        )
    if to is not None and out is not None:
        raise UsageError("--out and --to exclude each other: it is written, or sent")
    if out is not None and form not in WRITTEN:
        raise UsageError(f"--format {form} is sent and not written: name where with --to URL")


def _write(of: Chosen, form: str, out: Path | None) -> None:
    from tailrace.results.export.forms import OF_ONE_FILE, write_form

    if out is None and form not in OF_ONE_FILE:
        raise UsageError(f"--format {form} writes several files: name a folder with --out DIR")
    if out is None:
        sys.stdout.buffer.writelines(OF_ONE_FILE[form](of))
        return
    _tell(write_form(of, form, out))


def _write_by_plugin(of: Chosen, form: str, out: Path | None, to: str | None) -> None:
    from tailrace.exporters import exported
    from tailrace.results.export.forms import write_file

    pieces = exported(form, of, to)
    if pieces is None and out is not None:
        raise UsageError(f"--format {form} has no file for --out: it takes --to, if anything")
    if pieces is None:
        return
    if out is None:
        sys.stdout.buffer.writelines(pieces)
        return
    _tell(write_file(pieces, out))


def _tell(written: list[Path]) -> None:
    for path in written:
        click.echo(f"written to {path}", err=True)
