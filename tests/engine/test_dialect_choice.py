"""Dialects of other packages, and what is said of those that are none."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tailrace.engine.answer import Answer
from tailrace.engine.dialects.choice import OWN, dialect_of
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

    class Whole(Lines):
        framing = "whole"

    class Events(Lines):
        framing = "sse"

    class Odd(Lines):
        framing = "morse"

    def broken():
        raise RuntimeError("no luck")
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that adds some names."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "dialect_pack.py").write_text(textwrap.dedent(SOURCE), encoding="utf-8")
    info = tmp_path / "dialect_pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dialect-pack\nVersion: 1.0\n")
    made = {"lines": "Lines", "bare": "NoBase", "odd": "Odd", "broken": "broken"}
    made |= {"whole": "Whole", "events": "Events"}
    entries = "".join(f"{name} = dialect_pack:{what}\n" for name, what in made.items())
    (info / "entry_points.txt").write_text(f"[tailrace.dialects]\n{entries}")


@pytest.mark.parametrize("name", OWN)
def test_our_own_are_made_anew_for_each(name: str) -> None:
    made = dialect_of(name)
    assert type(made).__name__ == OWN[name][1]
    assert made is not dialect_of(name)


@pytest.mark.parametrize("name", ["whole", "events"])
def test_others_may_be_framed_like_ours(name: str) -> None:
    assert dialect_of(name).framing == {"whole": "whole", "events": "sse"}[name]


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
        ("nobody", f"no dialect is named 'nobody'; ours are {', '.join(OWN)}$"),
        (
            "bare",
            "'bare' lacks body, read, read_whole, framing, headers, at_root, end_mark; its class "
            "is to have tailrace.engine.dialects.delta.Dialect as its base",
        ),
        ("odd", "'odd' has framing 'morse'; it is to be sse, ndjson or whole"),
        ("broken", "'broken' cannot be made: RuntimeError: no luck"),
    ],
)
def test_what_is_no_dialect(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        dialect_of(name)
