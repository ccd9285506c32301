"""``tailrace run --metrics-port`` and ``--metrics-file``, ``tailrace export -f openmetrics``."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_plain

from tailrace.simulate import Script, background

from .command import MEASURED, small_run, start_tailrace, tailrace

OK = ("tailrace_requests_total", {"phase": "measure", "outcome": "ok"})
TOKENS = ("tailrace_output_tokens_total", {})
GAPS = ("tailrace_inter_chunk_latency_seconds_count", {})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with background(Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=8)) as url:
        yield url


class Scraped:
    """One text, read by prometheus-client."""

    def __init__(self, families: Any) -> None:
        self._samples = [sample for family in families for sample in family.samples]

    def value(self, series: tuple[str, dict[str, str]], level: int) -> float | None:
        name, labels = series
        wanted = labels | {"level": str(level), "model": "sim"}
        for sample in self._samples:
            if sample.name == name and wanted.items() <= sample.labels.items():
                return float(sample.value)
        return None


def run_with(folder: Path, url: str, *more: str) -> tuple[subprocess.Popen[str], str]:
    """A run, and where its metrics are."""
    run = start_tailrace(
        *("run", "--url", url, "-m", "sim", "--warmup", "0s", "--metrics-port", "0", *more),
        cwd=folder,
    )
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("metrics at "):
            return run, line.split()[-1]
    raise AssertionError("no word of where the metrics are")


def scrapes(url: str) -> Iterator[Scraped]:
    """One after another, until nobody answers any more."""
    with httpx.Client(headers={"Accept": "application/openmetrics-text"}, timeout=10) as client:
        while True:
            try:
                text = client.get(url).text
            except httpx.TransportError:
                return
            yield Scraped(read_open(text))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_is_scraped_to_its_end(url: str, tmp_path: Path, workers: str) -> None:
    # Some four looks at the first level: one alone may fall between two requests of a user.
    more = ("-c", "2,1", "-n", "200", "--workers", workers, "--metrics-file", "end.prom")
    run, at = run_with(tmp_path, url, *more)
    asked = httpx.URL(at)
    silent = [socket.create_connection((asked.host, asked.port or 0)) for _ in range(3)]
    seen = list(scrapes(at))
    printed, said = run.communicate(timeout=30)
    assert run.returncode in MEASURED, said
    for each in silent:
        each.close()
    for series in (OK, TOKENS, GAPS):
        for level in (1, 2):
            values = [found for each in seen if (found := each.value(series, level)) is not None]
            assert values == sorted(values)
            assert values[-1] > values[0]
    in_flight = [each.value(("tailrace_requests_in_flight", {}), 1) for each in seen]
    assert 2 in in_flight

    (result,) = tmp_path.glob("runs/*/sim/result.json")
    stages = json.loads(result.read_bytes())["stages"]
    end = Scraped(read_plain((tmp_path / "end.prom").read_text(encoding="utf-8")))
    for level, stage in enumerate(stages, 1):
        for scraped in (end, seen[-1]) if level == 1 else (end,):
            assert scraped.value(OK, level) == stage["counts"]["measured"]["ok"] == 200
            assert scraped.value(TOKENS, level) == stage["tokens"]["output"]
            assert scraped.value(GAPS, level) == stage["metrics"]["icl"]["n"]
    assert "VALID" in printed


def test_a_run_goes_on_without_its_metrics(url: str, tmp_path: Path) -> None:
    run, at = run_with(tmp_path, url, "-n", "30")
    assert httpx.get(at).status_code == 200
    (child,) = psutil.Process(run.pid).children()
    assert "tailrace.metrics_endpoint" in child.cmdline()
    child.kill()
    _, said = run.communicate(timeout=30)
    assert run.returncode in MEASURED
    assert "the metrics are served no more" in said


def test_nothing_of_it_is_there_unless_asked_for(url: str, tmp_path: Path) -> None:
    code = (
        "import sys; from tailrace.cli import cli; "
        f"cli(['run', '--url', {url!r}, '-m', 'sim', '-n', '1', '--warmup', '0s', '-q'], "
        "standalone_mode=False); "
        "print([m for m in sys.modules if 'prometheus' in m or 'metrics_endpoint' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_port_in_use_is_said_before_anything_is_done(url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = ("run", "--url", url, "-m", "sim", "--metrics-port", port)
        done = tailrace(*run, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--metrics-port: 127.0.0.1:{port} cannot be listened on" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metrics-port", "70000"), "70000 is not in the range"),
        (("--metrics-host", "127.0.0.1"), "is of no use without --metrics-port"),
        (("--metrics-port", "0", "--metrics-host", "no host"), "cannot be listened on"),
        (("--metrics-file", "none/x.prom"), "--metrics-file 'none/x.prom': there is no folder"),
        (("--metrics-file", "."), "--metrics-file '.' is a folder; name a file in it"),
    ],
)
def test_what_cannot_be(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = tailrace("run", "--url", "http://127.0.0.1:9/v1", "-m", "sim", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_file_is_the_export(url: str, tmp_path: Path) -> None:
    folder = small_run(tmp_path, url, "--metrics-file", "end.prom")
    plain = tailrace("export", "RUN", "-f", "prometheus", cwd=folder)
    assert plain.stdout == (folder / "end.prom").read_text(encoding="utf-8")
    one = tailrace("export", "RUN", "-f", "openmetrics", "--level", "2", cwd=folder)
    found = Scraped(read_open(one.stdout))
    assert (found.value(OK, 1), found.value(OK, 2)) == (None, 6)
