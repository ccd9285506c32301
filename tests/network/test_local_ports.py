"""No local port is left to connect from: the fault of the client's machine, which is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.results.files import RunFolder

from .namespace import Narrow, narrow, why_not

pytestmark = pytest.mark.server

PORTS, USERS, REQUESTS = 10, 16, 48


@pytest.fixture
def place() -> Iterator[Narrow]:
    """One for each test: the ports of the test before would still be in TIME_WAIT."""
    if reason := why_not():
        pytest.skip(reason)
    with narrow(PORTS, "--ttft", "300ms", "--gap", "2ms", "--tokens", "4") as namespace:
        yield namespace


@pytest.mark.parametrize(
    "options", [(), ("--transport", "httpx"), ("--workers", "2")], ids=" ".join
)
def test_users_beyond_the_local_ports_fail_with_that_class_and_the_others_are_measured(
    tmp_path: Path, place: Narrow, options: tuple[str, ...]
) -> None:
    done = place.tailrace(
        *("run", "--url", place.url, "-m", "sim", "-c", str(USERS), "-n", str(REQUESTS), "-q"),
        *("--warmup", "0s", "--out", "out", *options),
        cwd=tmp_path,
    )
    assert done.returncode == 11, done.stderr
    assert "Traceback" not in done.stderr
    (run,) = (tmp_path / "out").iterdir()
    facts, results, verdict = RunFolder(run).rebuild()
    (stage,) = results[0]["stages"]
    assert set(stage["errors"]) == {"local_ports"}
    assert any("no port left" in reason for reason in verdict.reasons)
    # One may still be held by whoever looked for the server's metrics.
    assert PORTS - 2 <= stage["counts"]["measured"]["ok"] < REQUESTS
    assert facts.models[0].stages[0].books.balanced()
    assert facts.models[0].stages[0].books.started == REQUESTS


def test_an_open_loop_that_needs_more_connections_than_ports_ends_in_time(
    tmp_path: Path, place: Narrow
) -> None:
    done = place.tailrace(
        *("run", "--url", place.url, "-m", "sim", "--rate", "60", "--duration", "2s", "-q"),
        *("--warmup", "0s", "--drain", "2s", "--out", "out"),
        cwd=tmp_path,
    )
    assert done.returncode == 11, done.stderr
    assert "Traceback" not in done.stderr
    (run,) = (tmp_path / "out").iterdir()
    facts, results, _ = RunFolder(run).rebuild()
    assert set(results[0]["stages"][0]["errors"]) == {"local_ports"}
    assert facts.models[0].stages[0].books.balanced()
