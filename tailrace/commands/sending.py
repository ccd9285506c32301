"""Sending: what ``tailrace export --to`` does with a run, by where it goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.errors import TargetError

if TYPE_CHECKING:
    from tailrace.results.export.chosen import Chosen

FROM_ENVIRONMENT = "env"


def send_spans(of: Chosen, to: str) -> None:
    """Send every request to a collector, and say how many spans that were."""
    from tailrace.engine.otlp_endpoint import otlp_endpoint
    from tailrace.engine.otlp_sender import OtlpSender
    from tailrace.results.export.otlp import otlp_batches

    endpoint = otlp_endpoint(None if to == FROM_ENVIRONMENT else to, os.environ)
    sender = OtlpSender(endpoint, lambda text: click.echo(text, err=True))
    sent = sender.send(otlp_batches(of.facts, of.rows()))
    said = "".join(f"; it says: {words}" for words in sent.words)
    if sent.rejected:
        raise TargetError(
            f"{endpoint.url} did not take {sent.rejected} of {sent.spans} spans{said}", "rejected"
        )
    requests = f"{sent.batches} request{'s' * (sent.batches != 1)}"
    click.echo(f"{sent.spans} spans sent to {endpoint.url} in {requests}{said}")


def send_to_mlflow(of: Chosen, to: str | None, experiment: str) -> None:
    """Log the run, its levels and its reports, and say where."""
    from tailrace.engine.mlflow_sender import MlflowSender
    from tailrace.results.export.mlflow_runs import mlflow_runs, sent_as
    from tailrace.results.files import safe_name
    from tailrace.scenarios.urls import web_url

    uri = None if to == FROM_ENVIRONMENT else to
    if uri is not None and uri.startswith("http"):
        instead = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        web_url(uri, "--to", "http://127.0.0.1:5000", instead)
    sender = MlflowSender(uri, experiment)
    whole, levels = mlflow_runs(of.name, of.facts, of.results, of.verdict)
    names = ("report.html", "report.md", "summary.csv")
    files: dict[Path, str | None] = dict.fromkeys(of.path / name for name in names)
    for model in of.facts.models:
        folder = safe_name(model.folder)
        files[of.path / folder / "result.json"] = folder
    there = {path: folder for path, folder in files.items() if path.exists()}
    run_id = sender.send(sent_as(of.facts), whole, levels, there)
    counted = f"{len(levels)} level{'s' * (len(levels) != 1)}"
    click.echo(
        f"{whole.name} and {counted} of it logged in experiment {experiment!r} of MLflow at "
        f"{sender.uri}, as run {run_id}"
    )
