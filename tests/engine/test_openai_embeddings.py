"""OpenAI embeddings: answers as servers send them, and the bodies we send."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tailrace.engine.dialects.choice import dialect_of
from tailrace.engine.dialects.delta import Ask, Delta, Usage
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.dialects.openai_embeddings import OpenAIEmbeddings


def asked(content: Any, extra: dict[str, object] | None = None) -> Any:
    ask = Ask("m", (("user", content),), 64, 0.0, None, True, extra or {}, False)
    return orjson.loads(OpenAIEmbeddings().body(ask))


def test_the_body() -> None:
    assert asked("a text") == {"model": "m", "input": "a text", "encoding_format": "float"}
    parts = ({"type": "text", "text": "a "}, {"type": "image_url"}, {"type": "text", "text": "b"})
    assert asked(parts)["input"] == "a b"
    assert asked("t", {"dimensions": 8})["dimensions"] == 8


VECTOR = b'{"object":"embedding","index":0,"embedding":[0.1,-2e-3]}'
USAGE = b'"usage":{"prompt_tokens":7,"total_tokens":7}'


@pytest.mark.parametrize(
    ("data", "delta"),
    [
        (
            b'{"object":"list","data":[%b],%b}' % (VECTOR, USAGE),
            Delta(tool=True, usage=Usage(None, 7), done=True),
        ),
        (b'{"data":[%b,%b]}' % (VECTOR, VECTOR), Delta(tool=True, done=True)),
        (b'{"data":[{"embedding":"AACAPw=="}]}', Delta(tool=True, done=True)),
        (b'{"data":[{"embedding":[[0.5,1]]}]}', Delta(tool=True, done=True)),
        (b'{"data":[]}', Delta(done=True)),
        (b'{"data":[{"embedding":[ ]}]}', Delta(done=True)),
        (b'{"data":[{"embedding":""}]}', Delta(done=True)),
        (b'{"data":[{"embedding":null}]}', Delta(done=True)),
        (b'{"data":[%b,{"embedding":[]}]}' % VECTOR, Delta(done=True)),
        (b'{"data":[%b],"usage":null}' % VECTOR, Delta(tool=True, done=True)),
        (b'{"error":{"message":"no"}}', Delta(error="no", done=True)),
    ],
)
def test_an_answer(data: bytes, delta: Delta) -> None:
    assert OpenAIEmbeddings().read_whole(data) == delta


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"{}", b'{"data":5}', b'{"data":[5]}', b'{"data":[{}]}', b"\xff"]
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a list of embeddings"):
        OpenAIEmbeddings().read_whole(data)


def test_there_are_no_events() -> None:
    with pytest.raises(ValueError, match="not streamed"):
        OpenAIEmbeddings().read("", b"{}")


def test_the_dialect_of_an_api() -> None:
    assert isinstance(dialect_of("openai-chat"), OpenAIChat)
    assert isinstance(dialect_of("openai-embeddings"), OpenAIEmbeddings)
