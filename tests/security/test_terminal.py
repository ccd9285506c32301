"""What a server says cannot act on a terminal: no escape sequence, no control, no direction mark.

The server of these tests puts them into every text that it sends, and the run has them in its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from ..command import tailrace
from ..threaded import serving
from .inside import Inside

EVIL = (
    "\x1b]52;c;ZXZpbA==\x07\x1b]0;evil\x1b\\\x1b[2J\x1b[3A\x9b31m\x9d0;evil\x9c\x07\x08\r\n"
    "\u202ereversed\u202c\u2066\u200f\u2028\u2029\x00\x7f|=1+1 <script>strike()</script> `x` "
)
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MODEL = f"sim{EVIL}"


class _Evil(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    first = True

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("server", "evil \x9b31m \x9d0;t\x9c")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        models = {"data": [{"id": MODEL}, {"id": "plain"}], "owned_by": EVIL}
        self._send(200, "application/json", json.dumps(models).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if len(body) < 2 or json.loads(body).get("model") != MODEL:
            self._send(404, "application/json", json.dumps({"error": {"message": EVIL}}).encode())
        elif int(self.headers.get("x-request-id", "0")[-1:], 36) % 3 == 0:
            self._send(500, "text/evil\x9b2J", EVIL.encode())
        else:
            choice = {"index": 0, "delta": {"content": EVIL}, "finish_reason": EVIL}
            event = json.dumps({"choices": [choice], "model": EVIL, "system_fingerprint": EVIL})
            body = f"data: {event}\n\ndata: [DONE]\n\n".encode()
            self._send(200, "text/event-stream", body)


@contextmanager
def evil() -> Iterator[str]:
    with serving(_Evil) as root:
        yield f"{root}/v1"


def require_harmless(name: str, text: str) -> None:
    found = ACTS.search(text.removeprefix("\ufeff"))
    assert found is None, (name, text[max(0, found.start() - 80) : found.end() + 20])


def test_all_that_is_printed_and_all_pages(inside: Inside, tmp_path: Path) -> None:
    with evil() as url:
        where = ("--url", url, "-m", "ALL", "--warmup", "0s", "-n", "8", "-c", "2")
        done = tailrace("run", *where, "--keep-text", "--name", "a\u202eb", cwd=tmp_path)
        checked = tailrace("check", "--url", url, "-m", "nobody", cwd=tmp_path)
    assert "HTTP 404" in done.stderr
    assert "http_500 " in done.stdout
    for each in (done, checked):
        require_harmless("run", each.stdout + each.stderr)
    (run,) = (tmp_path / "runs").iterdir()
    for path in (*run.glob("*.md"), *run.glob("*.csv")):
        require_harmless(path.name, path.read_bytes().decode().replace("\r\n", "\n"))
    commands: list[tuple[str, ...]] = [
        ("report", "RUN"),
        ("watch", "RUN", "--once"),
        ("export", "RUN", "--format", "markdown"),
        ("export", "RUN", "--format", "csv"),
        ("export", "RUN", "--format", "requests-csv"),
        ("compare", "RUN", "RUN"),
        ("select", "RUN"),
        ("query", "RUN", "SELECT model, error, text, finish_reason FROM requests"),
        ("query", "RUN", "SELECT text FROM requests", "--format", "csv"),
        ("rubric", "stub", "RUN"),
        ("run", "--url", url, "-m", MODEL.replace("\x00", ""), "-n", "1"),
        ("query", "RUN", f"SELECT '{EVIL[1:60]}' AS FROM nowhere".replace("\x00", "")),
    ]
    run.rename(tmp_path / "RUN")
    for command in commands:
        _, text = inside(*command)
        assert text
        require_harmless(" ".join(command), text.replace("\r\n", "\n"))
