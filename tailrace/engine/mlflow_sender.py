"""MLflow sender: a run's numbers and reports to an MLflow server or store. The only user of mlflow.

Rule: what was sent whole is not sent twice; what broke off is marked FAILED there, and may be sent
anew. mlflow's own reports about its use are switched off, and a server that is not there is told in
seconds; whoever sets these variables otherwise is obeyed. No message has a password.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tailrace.errors import TargetError, UsageError
from tailrace.results.export.mlflow_runs import MlflowRun
from tailrace.results.render.text import safe_text

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}
_FOLDERS = "MLFLOW_ALLOW_FILE_STORE"
_USER = "MLFLOW_TRACKING_USERNAME"
_SECRETS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_PARENT = "mlflow.parentRunId"
_SENT_AS = "tailrace.sent_as"
"""Set last, so that only what was sent whole has it."""
_BATCH = 90
"""Of params, tags or metrics: fewer than any version of MLflow takes at once."""
_SHOWN_CHARS = 300


class MlflowSender:
    """One store and one experiment of it; ``uri`` is told without a password."""

    def __init__(self, uri: str | None, experiment: str) -> None:
        """``uri`` is a server, a database or a folder; None is what mlflow itself takes.

        Raises UsageError where mlflow is not installed, and TargetError where it refuses the URI.
        """
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        self._experiment = experiment
        self.uri = ""
        with _quiet(), self._failures():
            mlflow = _imported()
            self._entities = mlflow.entities
            given = uri or mlflow.get_tracking_uri()
            self.uri = _CREDENTIALS.sub("", given)
            self._client = mlflow.MlflowClient(given)

    def send(
        self,
        sent_as: str,
        whole: MlflowRun,
        levels: Sequence[MlflowRun],
        files: Mapping[Path, str | None],
    ) -> str:
        """Log all of it; returns the id of the whole's run.

        ``sent_as`` is what it is known by; ``files`` are artifacts, each with its folder there.
        Raises UsageError where it is there already, and TargetError where it cannot be logged.
        """
        with _quiet(), self._failures():
            experiment_id = self._experiment_id()
            self._require_new(experiment_id, sent_as, whole)
            whole_id = self._begun(experiment_id, whole)
            with self._ended(whole_id, whole):
                for level in levels:
                    level_id = self._begun(experiment_id, level, {_PARENT: whole_id})
                    with self._ended(level_id, level):
                        self._log(level_id, level)
                for file, folder in files.items():
                    self._client.log_artifact(whole_id, str(file), folder)
                self._log(whole_id, whole)
                self._client.set_tag(whole_id, _SENT_AS, sent_as)
        return whole_id

    @contextmanager
    def _ended(self, run_id: str, run: MlflowRun) -> Iterator[None]:
        """Whatever happens in between, it does not stay RUNNING there, if that can be helped."""
        try:
            yield
        except BaseException:
            with suppress(Exception):
                self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id, "FINISHED" if run.ok else "FAILED", run.ended_ms)

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(self._experiment))

    def _require_new(self, experiment_id: str, sent_as: str, whole: MlflowRun) -> None:
        found = self._client.search_runs([experiment_id], f"tags.`{_SENT_AS}` = '{sent_as}'")
        if found:
            raise UsageError(
                f"{whole.name} is in experiment {self._experiment!r} already, as MLflow run "
                f"{found[0].info.run_id}; delete that, or name another with --experiment"
            )

    def _begun(
        self, experiment_id: str, run: MlflowRun, tags: Mapping[str, str] | None = None
    ) -> str:
        all_tags = run.tags | dict(tags or {})
        made = self._client.create_run(experiment_id, run.began_ms, all_tags, run.name)
        return str(made.info.run_id)

    def _log(self, run_id: str, run: MlflowRun) -> None:
        params = [self._entities.Param(*each) for each in run.params.items()]
        for some in _batches(params):
            self._client.log_batch(run_id, params=some)
        metrics = [
            self._entities.Metric(point.name, point.value, point.at_ms, point.step)
            for point in run.points
        ]
        for some in _batches(metrics):
            self._client.log_batch(run_id, metrics=some)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What mlflow raises, as one sentence."""
        try:
            yield
        except (UsageError, KeyboardInterrupt):
            raise
        except Exception as exc:  # of mlflow, its HTTP client, and every kind of store
            if _FOLDERS in str(exc):
                raise UsageError(
                    f"{self.uri} is a folder, which this mlflow does not take: use "
                    f"--to sqlite:///mlflow.db, or set {_FOLDERS}=true"
                ) from None
            why = _why(exc)
            raise TargetError(f"MLflow at {self.uri} {why}", type(exc).__name__) from None


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[at : at + _BATCH] for at in range(0, len(items), _BATCH))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of libraries that are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _imported() -> Any:
    try:
        import mlflow
    except ImportError:
        raise UsageError("--format mlflow needs mlflow: pip install 'tailrace[mlflow]'") from None
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def _why(exc: Exception) -> str:
    text = _CREDENTIALS.sub("", str(exc)) or type(exc).__name__
    if "Max retries exceeded" in text:
        return "cannot be reached; is an MLflow server running there?"
    for secret in filter(None, map(os.environ.get, _SECRETS)):
        text = text.replace(secret, "…")
    refused = " 401" in text or " 403" in text
    hint = f"; check {_SECRETS[0]}, or {_USER} and {_SECRETS[1]}" if refused else ""
    return f"says: {safe_text(text, _SHOWN_CHARS)}{hint}"
