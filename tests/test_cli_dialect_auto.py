"""``--dialect auto``: chat wherever it is answered, else what the server shows itself to speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.delta import url_of

from .command import tailrace
from .engine.test_dialect_replay import FIXTURES
from .test_cli_bad_input import UNREACHABLE, assert_sentence
from .test_cli_file import ran
from .test_cli_run import load, only_run, rows_of
from .threaded import serving

ARGUMENTS = ("-m", "m", "-c", "1", "-n", "2", "--warmup", "0s", "-q")


@contextmanager
def served(
    answers: Mapping[str, str], gets: Mapping[str, tuple[int, str]] | None = None
) -> Iterator[str]:
    """A server that answers POSTs of these paths with these fixtures, and these GETs; else 404."""
    found = dict(gets or {})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            name = answers.get(self.path)
            if name is None:
                self._say(404, '{"detail":"Not Found"}')
                return
            self.wfile.write((FIXTURES / f"{name}.http").read_bytes())
            self.close_connection = True

        def do_GET(self) -> None:
            self._say(*found.get(self.path, (404, "nothing here")))

        def _say(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    with serving(Handler) as root:
        yield root


OLLAMA = (200, '{"version":"0.1.20"}')
PROPS = (200, '{"default_generation_settings":{}}')
ANTHROPIC = (200, '{"data":[{"type":"model","id":"m"}],"has_more":false}')
REFUSED = (401, '{"type":"error","error":{"type":"authentication_error","message":"no key"}}')
LISTED = (200, '{"object":"list","data":[{"id":"m","object":"model"}]}')


CASES: tuple[tuple[str, str, dict[str, tuple[int, str]]], ...] = (
    ("openai-chat", "auto", {"/api/version": OLLAMA, "/v1/models": LISTED}),
    ("ollama-chat", "/api/version", {"/api/version": OLLAMA}),
    ("llamacpp-completion", "/props", {"/props": PROPS}),
    ("anthropic-messages", "/models", {"/v1/models": ANTHROPIC}),
    ("anthropic-messages", "/models", {"/v1/models": REFUSED}),
    ("anthropic-messages", "/messages", {"/v1/messages": (405, "")}),
    ("openai-responses", "/responses", {"/v1/responses": (405, ""), "/v1/models": LISTED}),
    ("openai-completions", "/completions", {"/v1/completions": (405, "")}),
)


@pytest.mark.parametrize(("dialect", "how", "gets"), CASES)
def test_the_server_says_what_it_speaks(
    tmp_path: Path, dialect: str, how: str, gets: dict[str, tuple[int, str]]
) -> None:
    path = httpx.URL(url_of("http://h/v1", dialect_of(dialect))).path
    fixture = f"{dialect}/{'thinking' if dialect == 'ollama-chat' else 'llamacpp'}"
    with served({path: fixture}, gets) as url:
        done = tailrace("run", "--url", url, *ARGUMENTS, cwd=tmp_path)
    ran(done)
    run = only_run(tmp_path)
    (model,) = load(run / "run.json")["models"]
    assert model["dialect"] == dialect
    assert how in model["dialect_from"]
    rows = rows_of(run, "m")
    assert [row.phase for row in rows] == ["cold", "measure", "measure"]
    assert {row.outcome for row in rows} == {"ok"}
    assert dialect in (run / "report.md").read_text(encoding="utf-8")


def test_where_nothing_fits_the_sentence_says_what_to_look_at(tmp_path: Path) -> None:
    with served({}) as url:
        done = tailrace("run", "--url", url, *ARGUMENTS, cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, "answered 404", "--dialect", "openai-chat")


def test_a_model_that_is_not_there_is_no_other_dialect(tmp_path: Path) -> None:
    gets = {"/v1/models": (200, '{"data":[{"id":"other"}]}'), "/api/version": OLLAMA}
    with served({}, gets) as url:
        done = tailrace("run", "--url", url, *ARGUMENTS, cwd=tmp_path)
    assert_sentence(done, UNREACHABLE, "has no model 'm'", "'other'")
