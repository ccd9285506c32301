"""TLS from the command line: a custom CA, a client certificate, and not checking at all."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from .cloud_server import CloudServer, serving
from .command import MEASURED, tailrace
from .test_cli_run import load, only_run, rows_of

SHORT = ("-m", "sim", "--warmup", "0s", "-q", "-n", "3", "-c", "2")


class Authority:
    """A CA, a server's context, and a client's files in a folder."""

    def __init__(self, folder: Path, *, ask_client: bool = False) -> None:
        ca = trustme.CA()
        self.ca, self.client = str(folder / "ca.pem"), str(folder / "client.pem")
        self.cert, self.key = str(folder / "cert.pem"), str(folder / "key.pem")
        self.locked = str(folder / "locked.pem")
        ca.cert_pem.write_to_path(self.ca)
        client = ca.issue_cert("client@example.org")
        client.private_key_and_cert_chain_pem.write_to_path(self.client)
        client.cert_chain_pems[0].write_to_path(self.cert)
        client.private_key_pem.write_to_path(self.key)
        key = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
        data = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open-sesame"),
        )
        Path(self.locked).write_bytes(data)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1").configure_cert(self.context)
        if ask_client:
            ca.configure_trust(self.context)
            self.context.verify_mode = ssl.CERT_REQUIRED


def run(folder: Path, authority: Authority, *options: str, **env: str) -> Any:
    with serving(CloudServer(), authority.context) as server:
        url = server.url(scheme="https")
        return tailrace("run", "--url", url, *SHORT, *options, cwd=folder, env=env)


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_ca_of_ones_own(tmp_path: Path, transport: str) -> None:
    authority = Authority(tmp_path)
    done = run(tmp_path, authority, "--transport", transport, "--ca-file", authority.ca)
    assert done.returncode in MEASURED, done.stderr
    rows = rows_of(only_run(tmp_path))
    assert all(row.outcome == "ok" for row in rows)
    assert any(row.tls_end_ns for row in rows)


def test_an_unknown_ca_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, Authority(tmp_path))
    assert done.returncode == 3
    assert "certificate verify failed" in done.stderr


def test_what_is_not_checked_is_told_everywhere(tmp_path: Path) -> None:
    done = run(tmp_path, Authority(tmp_path), "--insecure")
    assert done.returncode in MEASURED, done.stderr
    told = "certificates not checked (--insecure)"
    assert told in " ".join(done.stdout.split())
    folder = only_run(tmp_path)
    assert load(folder / "run.json")["engine"]["tls"] == told
    for name in ("report.md", "report.html"):
        assert "not checked" in (folder / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("files", ["one file", "two files", "a locked key"])
def test_a_client_certificate_is_shown(tmp_path: Path, files: str) -> None:
    authority = Authority(tmp_path, ask_client=True)
    options = {
        "one file": ("--client-cert", authority.client),
        "two files": ("--client-cert", authority.cert, "--client-key", authority.key),
        "a locked key": ("--client-cert", authority.cert, "--client-key", authority.locked),
    }[files]
    env = {"TAILRACE_CLIENT_KEY_PASSWORD": "open-sesame"} if files == "a locked key" else {}
    done = run(tmp_path, authority, "--ca-file", authority.ca, *options, **env)
    assert done.returncode in MEASURED, done.stderr
    assert all(row.outcome == "ok" for row in rows_of(only_run(tmp_path)))
    texts = [path.read_bytes() for path in only_run(tmp_path).rglob("*") if path.is_file()]
    assert not any(b"open-sesame" in text for text in texts)


def test_without_its_certificate_a_client_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path, ask_client=True)
    done = run(tmp_path, authority, "--ca-file", authority.ca)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("password", "words"), [("", "is not set"), ("wrong", "is wrong")])
def test_a_locked_key_needs_its_password(tmp_path: Path, password: str, words: str) -> None:
    authority = Authority(tmp_path, ask_client=True)
    done = run(
        *(tmp_path, authority, "--ca-file", authority.ca, "--client-cert", authority.cert),
        *("--client-key", authority.locked),
        TAILRACE_CLIENT_KEY_PASSWORD=password,
    )
    assert done.returncode == 2
    assert f"is encrypted, and TAILRACE_CLIENT_KEY_PASSWORD {words}" in done.stderr


def test_a_key_of_another_certificate_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    done = run(
        *(tmp_path, authority, "--ca-file", authority.ca, "--client-cert", authority.cert),
        *("--client-key", Authority(other).key),
    )
    assert done.returncode == 2
    assert "--client-cert" in done.stderr
    assert "key values mismatch" in done.stderr
