"""Dialects of other packages, and what is said of those that are none."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tailrace.engine.answer import Answer
from tailrace.engine.dialects.choice import dialect_of
from tailrace.errors import UsageError
from tailrace.scenarios.dialects import dialects_text, is_dialect

SOURCE = """
    from tailrace.engine.dialects.delta import Delta, Dialect

    class Lines(Dialect):
        path = "/lines"
        framing = "ndjson"

        def body(self, ask):
            return b"{}"

        def read(self, event_type, data):
            return Delta(done=True) if data == b"END" else Delta(data.decode())

        def read_whole(self, data):
            return self.read("", data)

    class NoBase:
        path = "/x"

    class Odd(Lines):
        framing = "morse"

    def broken():
        raise RuntimeError("no luck")
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that adds four names."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "dialect_pack.py").write_text(textwrap.dedent(SOURCE), encoding="utf-8")
    info = tmp_path / "dialect_pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dialect-pack\nVersion: 1.0\n")
    made = {"lines": "Lines", "bare": "NoBase", "odd": "Odd", "broken": "broken"}
    entries = "".join(f"{name} = dialect_pack:{what}\n" for name, what in made.items())
    (info / "entry_points.txt").write_text(f"[tailrace.dialects]\n{entries}")


def test_one_file_is_enough() -> None:
    assert is_dialect("lines")
    assert "lines" in dialects_text()
    answer = Answer(dialect_of("lines"), keep_text=True)
    answer.accept(200, "application/x-ndjson")
    for byte in b"one\ntwo\r\n\nEND":
        answer.on_body(1, bytes([byte]))
    answer.close(2)
    assert answer.fault() is None
    assert answer.timeline.chunks == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody", "no dialect is named 'nobody'; ours are openai-chat"),
        ("bare", "'bare' lacks body, read, read_whole"),
        ("odd", "'odd' has framing 'morse'"),
        ("broken", "'broken' cannot be made: RuntimeError: no luck"),
    ],
)
def test_what_is_no_dialect(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        dialect_of(name)
