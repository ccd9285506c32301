"""A client's key is locked: its password reaches the workers, and nothing that anyone can read."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil
import pytest

from ..cloud_server import CloudServer, serving
from ..command import MEASURED, start_tailrace
from ..test_cli_tls import Authority
from .test_cluster import COMMON, ray_env, rows_of
from .two_nodes import TwoNodes

pytestmark = pytest.mark.server
PASSWORD = "open-sesame"


def arguments() -> str:
    """Of every process of this machine."""
    found = []
    for process in psutil.process_iter():
        try:
            found += process.cmdline()
        except psutil.Error:
            continue
    return "\n".join(found)


def written(*folders: Path) -> dict[Path, bytes]:
    """Every file below; what is a socket, or goes while this looks, is none."""
    found = {}
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            found[path] = path.read_bytes()
        except FileNotFoundError:
            continue
    return found


def test_the_password_of_a_key_goes_to_the_nodes_and_into_no_file(
    cluster: TwoNodes, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, ask_client=True)
    temporary = Path(tempfile.gettempdir())
    (session,) = (temporary / "ray").glob(f"session_*_{cluster.head.pid}")
    seen = ""
    files: dict[Path, bytes] = {}
    with serving(CloudServer(), authority.context) as server:
        running = start_tailrace(
            *("run", "--url", server.url(scheme="https"), "-c", "4", "--duration", "4s"),
            *("--ca-file", authority.ca, "--client-cert", authority.cert),
            *("--client-key", authority.locked, "--fleet", cluster.address, "--workers", "2"),
            *COMMON,
            cwd=tmp_path,
            env=ray_env() | {"TAILRACE_CLIENT_KEY_PASSWORD": PASSWORD},
        )
        until_s = time.monotonic() + 120
        while running.poll() is None:
            assert time.monotonic() < until_s
            seen += arguments()
            files |= written(*temporary.glob("tailrace-*-r-*"))
            time.sleep(0.5)
        _, said = running.communicate()
    assert running.returncode in MEASURED, said
    assert {row.outcome for row in rows_of(tmp_path)} == {"ok"}
    assert "tailrace.engine.worker_process" in seen
    assert any(path.name.endswith("locked.pem") for path in files)
    files |= written(*tmp_path.glob("*-r"), session)
    assert any(path.is_relative_to(session) for path in files)
    assert PASSWORD not in seen + said
    assert [path for path, data in files.items() if PASSWORD.encode() in data] == []
