"""OpenSSL's own TLS server, which also does what Python's ``ssl`` cannot: a new handshake or new
keys in the middle of an answer.

What its standard input gets is sent, but for single letters, which are orders: ``r`` a new
handshake, ``k`` new keys, ``K`` new keys on both sides, ``q`` the end of the connection, with its
``close_notify``.
"""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme

PAUSE_S = 0.05


class Console:
    """Answers the first request with these pieces, one after the other, and further ones with
    ``later``.
    """

    def __init__(
        self, certificate: Path, version: str, pieces: Sequence[bytes], later: Sequence[bytes]
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.said = b""
        """Its output: what it received, and a line for each message of the handshakes."""
        self._pieces, self._later = pieces, later
        self._process = subprocess.Popen(
            [
                *("openssl", "s_server", "-accept", f"127.0.0.1:{self.port}"),
                *("-cert", str(certificate), f"-{version}", "-msg"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def count(self, message: str) -> int:
        """How many of these messages were sent or received."""
        return len(re.findall(rf"(?:<<<|>>>) .*, {message}\n", self.said.decode("latin-1")))

    def _work(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        answered = 0
        while data := stdout.read(65536):
            self.said += data
            if self.said.count(b'"stream":true') > answered:
                self._answer(self._later if answered else self._pieces)
                answered += 1

    def _answer(self, pieces: Sequence[bytes]) -> None:
        assert self._process.stdin is not None
        for piece in pieces:
            time.sleep(PAUSE_S)  # one read of its input is one order, or one write
            self._process.stdin.write(piece)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._thread.join(10)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def console(
    folder: Path, version: str, pieces: Sequence[bytes], later: Sequence[bytes] | None = None
) -> Iterator[Console]:
    """``version`` as OpenSSL calls it: ``tls1_2``. Writes ``ca.pem`` into the folder."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    certificate = folder / "server.pem"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    serving = Console(certificate, version, pieces, pieces if later is None else later)
    try:
        while b"ACCEPT" not in serving.said:
            assert serving._process.poll() is None, serving.said
            time.sleep(0.01)
        yield serving
    finally:
        serving.end()
