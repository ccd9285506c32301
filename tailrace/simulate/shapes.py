"""Shapes: the same answer in the words of other servers, framed for HTTP already. Pure.

Rule: every shape has the same six messages, so that one plan and one fault mean the same in each:
what opens the stream and holds no output, one chunk of content, the ending, an error, garbage, and
the answer that comes whole. These are dumped as they are needed; only chat's are made to be fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import orjson

from tailrace.simulate.ask import Ask, Refusal
from tailrace.simulate.chunks import DONE, Frames, framed, text, usage
from tailrace.simulate.shapes_typed import Anthropic, Responses
from tailrace.simulate.told import Told


class Shape(Protocol):
    """One streamed answer's messages."""

    kind: bytes
    """Content type of the stream."""

    def role(self) -> bytes:
        """What opens the stream; no output."""
        ...

    def content(self, first: int, count: int) -> bytes:
        """A chunk of `count` tokens, the first of them number `first`."""
        ...

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """All that follows the content of a whole answer."""
        ...

    def error(self, refusal: Refusal) -> bytes:
        """An error inside the stream."""
        ...

    def garbage(self) -> bytes:
        """An event that is not JSON."""
        ...


class Completions(Told):
    """`/v1/completions`."""

    def content(self, first: int, count: int) -> bytes:
        """See Shape."""
        return self.say(self._object(self.words(first, count), None))

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """See Shape."""
        told = self.say(self._object("", reason))
        if self.ask.include_usage:
            counts = self._object("", None) | {"choices": [], "usage": usage(prompt, completion)}
            told += self.say(counts)
        return told + DONE

    def whole(self, reason: str, completion: int) -> dict[str, Any]:
        """The answer at once."""
        spent = usage(self.ask.prompt_tokens, completion)
        return self._object(text(completion), reason) | {"usage": spent}

    def _object(self, said: str, reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": said, "logprobs": None, "finish_reason": reason}
        return {
            "id": f"cmpl-sim{self.number:09d}",
            "object": "text_completion",
            "created": self.created,
            "model": self.ask.model,
            "choices": [choice],
        }


class Ollama(Told):
    """`/api/chat`, and `/api/generate`: one object a line."""

    kind = b"application/x-ndjson"

    def content(self, first: int, count: int) -> bytes:
        """See Shape."""
        return self.say(self._line(self.words(first, count)))

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """See Shape."""
        return self.say(self._line("") | self._end(reason, prompt, completion))

    def whole(self, reason: str, completion: int) -> dict[str, Any]:
        """The answer at once."""
        return self._line(text(completion)) | self._end(reason, self.ask.prompt_tokens, completion)

    def error(self, refusal: Refusal) -> bytes:
        """A line with an error."""
        return self.say({"error": refusal.message})

    def garbage(self) -> bytes:
        """A line that breaks off inside its JSON."""
        return framed(b'{"model":"sim","mess\n')

    def say(self, data: dict[str, Any]) -> bytes:
        """One line."""
        return framed(orjson.dumps(data) + b"\n")

    def _line(self, said: str) -> dict[str, Any]:
        line = {"model": self.ask.model, "created_at": "2026-01-01T00:00:00Z"}
        if self.ask.shape == "ollama-chat":
            return line | {"message": {"role": "assistant", "content": said}, "done": False}
        return line | {"response": said, "done": False}

    def _end(self, reason: str, prompt: int, completion: int) -> dict[str, Any]:
        counts = {"prompt_eval_count": prompt, "eval_count": completion}
        return {"done": True, "done_reason": reason} | counts


class LlamaCpp(Told):
    """`/completion` of llama.cpp."""

    reasons: ClassVar[dict[str, str]] = {"stop": "eos", "length": "limit"}

    def content(self, first: int, count: int) -> bytes:
        """See Shape."""
        said = {"index": 0, "content": self.words(first, count), "tokens": [], "stop": False}
        counts = {"tokens_predicted": first + count, "tokens_evaluated": self.ask.prompt_tokens}
        return self.say(said | {"id_slot": 0} | counts)

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """See Shape."""
        return self.say(self._end("", reason, completion))

    def whole(self, reason: str, completion: int) -> dict[str, Any]:
        """The answer at once."""
        return self._end(text(completion), reason, completion)

    def _end(self, said: str, reason: str, completion: int) -> dict[str, Any]:
        counts = {"tokens_predicted": completion, "tokens_evaluated": self.ask.prompt_tokens}
        ended = {"model": self.ask.model, "stop_type": self.reason(reason), "timings": {}}
        return {"index": 0, "content": said, "stop": True} | ended | counts


def frames_of(ask: Ask, number: int, created: int) -> Shape:
    """The messages of one streamed answer."""
    if ask.shape == "chat":
        return Frames(number, created, ask.model, ask.include_usage)
    shape: Shape = _told(ask, number, created)
    return shape


def whole_of(ask: Ask, number: int, created: int, reason: str, completion: int) -> bytes:
    """The JSON of an answer that is not streamed, and no chat completion."""
    return orjson.dumps(_told(ask, number, created).whole(reason, completion))


_SHAPES: dict[str, Callable[[Ask, int, int], Any]] = {
    "completions": Completions,
    "responses": Responses,
    "anthropic": Anthropic,
    "ollama-chat": Ollama,
    "ollama-generate": Ollama,
    "llamacpp": LlamaCpp,
}


def _told(ask: Ask, number: int, created: int) -> Any:
    return _SHAPES[ask.shape](ask, number, created)
