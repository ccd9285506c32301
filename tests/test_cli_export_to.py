"""``tailrace export --to``: a run that is sent, from the command line."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from .cloud_server import CloudServer, serving
from .collector import collector
from .command import tailrace
from .results.export.runs import finished
from .test_cli_tls import Authority
from .threaded import nobody

OTEL = ("export", "RUN", "-f", "otel")
KEY = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s3cret"}


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sent")
    finished(folder / "RUN")
    return folder


def test_spans_are_sent(cwd: Path) -> None:
    with collector() as found:
        done = tailrace(*OTEL, "--to", found.url, cwd=cwd, env=KEY)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"4 spans sent to {found.url}/v1/traces in 1 request\n"
        env = KEY | {"OTEL_EXPORTER_OTLP_ENDPOINT": found.url}
        one = tailrace(*OTEL, "--to", "env", "--level", "1", cwd=cwd, env=env)
        assert one.returncode == 0, one.stderr
    assert {headers["authorization"] for _, headers in found.asked} == {"Bearer s3cret"}
    ids = [span.trace_id for span in found.spans]
    assert ids[:4].count(ids[4]) == 1


def test_a_refusal_and_a_part_of_it(cwd: Path) -> None:
    some = b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too long"}}'
    with collector([(401, {}, b"not s3cret"), (200, {}, some)]) as found:
        done = tailrace(*OTEL, "--to", found.url, cwd=cwd, env=KEY)
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
        assert "answers HTTP 401: 'not …'; give the key in OTEL_EXPORTER_OTLP" in done.stderr
        done = tailrace(*OTEL, "--to", found.url, cwd=cwd, env=KEY)
    assert done.returncode == 3
    assert "did not take 1 of 4 spans; it says: too long" in done.stderr


def test_mlflow_in_a_database(cwd: Path) -> None:
    log = ("export", "RUN", "-f", "mlflow", "--to", "sqlite:///mlflow.db")
    done = tailrace(*log, "--level", "1", cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"RUN and 2 levels of it logged in experiment 'tailrace' of MLflow at "
        r"sqlite:///mlflow\.db, as run [0-9a-f]{32}\n",
        done.stdout,
    )
    assert done.stderr == ""
    with sqlite3.connect(cwd / "mlflow.db") as store:
        found = store.execute("SELECT name, status FROM runs ORDER BY name").fetchall()
        (paths,) = store.execute("SELECT artifact_uri FROM runs WHERE name = 'RUN'").fetchone()
    assert found == [("RUN", "FINISHED"), *[("m · 1 user", "FINISHED")] * 2]
    kept = {path.name for path in (cwd / paths).rglob("*") if path.is_file()}
    assert kept == {"report.html", "report.md", "summary.csv", "result.json"}
    again = tailrace(*log, cwd=cwd)
    assert (again.returncode, len(again.stderr.splitlines())) == (2, 1)
    assert "is in experiment 'tailrace' already" in again.stderr


def test_mlflow_that_is_not_there(cwd: Path) -> None:
    with nobody() as url:
        env = {"MLFLOW_TRACKING_URI": url, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        done = tailrace("export", "RUN", "-f", "mlflow", cwd=cwd, env=env)
    assert (done.returncode, done.stderr) == (
        3,
        f"tailrace: MLflow at {url} cannot be reached; is an MLflow server running there?\n",
    )


def test_a_certificate_of_ones_own_ca(cwd: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(CloudServer(), authority.context) as server:
        to = ("--to", server.url("", "https"))
        done = tailrace(*OTEL, *to, cwd=cwd)
        assert done.returncode == 3
        assert "has no certificate that is trusted" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        env = {"OTEL_EXPORTER_OTLP_CERTIFICATE": authority.ca}
        done = tailrace(*OTEL, *to, cwd=cwd, env=env)
        assert done.returncode == 0, done.stderr
    assert server.paths == ["/v1/traces"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-f", "json", "--to", "http://h"), "--to goes with --format otel or mlflow"),
        (("-f", "mlflow", "--out", "x"), "is sent and not written: name where with --to URL"),
        (("-f", "mlflow", "--to", "http://u:p@h"), "set MLFLOW_TRACKING_USERNAME and MLFLOW_"),
        (("-f", "mlflow", "--to", "mlruns"), "use --to sqlite:///mlflow.db"),
        (("-f", "otel", "--to", "http://h", "--out", "x"), "--out and --to exclude each other"),
        (("-f", "otel", "--to", "h:4318"), "--to 'h:4318' is not a URL like http://127.0.0.1:4318"),
        (("-f", "otel", "--to", "env"), "OTEL_EXPORTER_OTLP_ENDPOINT is not set"),
    ],
)
def test_bad_input_is_one_sentence(cwd: Path, options: tuple[str, ...], said: str) -> None:
    done = tailrace("export", "RUN", *options, cwd=cwd)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
