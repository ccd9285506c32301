"""Shapes whose events have types: OpenAI's responses and Anthropic's messages. Pure."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from tailrace.simulate.ask import Refusal
from tailrace.simulate.chunks import framed, text
from tailrace.simulate.told import Told


class Typed(Told):
    """An event names its type twice: in its own line, and in its data."""

    def say(self, data: dict[str, Any]) -> bytes:
        """One event."""
        kind = data["type"].encode()
        return framed(b"event: %b\ndata: %b\n\n" % (kind, orjson.dumps(data)))


class Responses(Typed):
    """`/v1/responses`."""

    reasons: ClassVar[dict[str, str]] = {"length": "max_output_tokens"}

    def role(self) -> bytes:
        """The events that open the answer and its first part."""
        item = {"id": "msg_sim", "type": "message", "role": "assistant", "content": []}
        return (
            self.say({"type": "response.created", "response": self._object("in_progress", [])})
            + self.say({"type": "response.output_item.added", "output_index": 0, "item": item})
            + self.say({"type": "response.content_part.added", "part": self._part("")} | self._at())
        )

    def content(self, first: int, count: int) -> bytes:
        """See Shape."""
        said = {"type": "response.output_text.delta", "delta": self.words(first, count)}
        return self.say(said | self._at())

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """See Shape."""
        done = {"type": "response.output_text.done", "text": text(completion)} | self._at()
        whole = self.whole(reason, completion)
        return self.say(done) + self.say({"type": f"response.{whole['status']}", "response": whole})

    def whole(self, reason: str, completion: int) -> dict[str, Any]:
        """The answer at once."""
        status = "incomplete" if reason == "length" else "completed"
        message = {"id": "msg_sim", "type": "message", "role": "assistant", "status": status}
        output = [message | {"content": [self._part(text(completion))]}]
        why = {"reason": self.reason(reason)} if status == "incomplete" else None
        prompt = self.ask.prompt_tokens
        spent = {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        }
        return self._object(status, output) | {"incomplete_details": why, "usage": spent}

    def error(self, refusal: Refusal) -> bytes:
        """An error event."""
        return self.say({"type": "error", "code": refusal.kind, "message": refusal.message})

    def garbage(self) -> bytes:
        """An event that breaks off inside its JSON."""
        return framed(b'event: response.output_text.delta\ndata: {"type":"respon\n\n')

    def _object(self, status: str, output: list[Any]) -> dict[str, Any]:
        return {
            "id": f"resp_sim{self.number:09d}",
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "model": self.ask.model,
            "output": output,
        }

    def _part(self, said: str) -> dict[str, Any]:
        return {"type": "output_text", "text": said, "annotations": []}

    def _at(self) -> dict[str, Any]:
        return {"item_id": "msg_sim", "output_index": 0, "content_index": 0}


class Anthropic(Typed):
    """`/v1/messages`."""

    reasons: ClassVar[dict[str, str]] = {"stop": "end_turn", "length": "max_tokens"}

    def role(self) -> bytes:
        """The message and its first block begin, and a ping."""
        usage = {"input_tokens": self.ask.prompt_tokens, "output_tokens": 1}
        message = self._message([], None, usage)
        block = {"type": "text", "text": ""}
        return (
            self.say({"type": "message_start", "message": message})
            + self.say({"type": "content_block_start", "index": 0, "content_block": block})
            + self.say({"type": "ping"})
        )

    def content(self, first: int, count: int) -> bytes:
        """See Shape."""
        delta = {"type": "text_delta", "text": self.words(first, count)}
        return self.say({"type": "content_block_delta", "index": 0, "delta": delta})

    def ending(self, reason: str, prompt: int, completion: int) -> bytes:
        """See Shape."""
        delta = {"stop_reason": self.reason(reason), "stop_sequence": None}
        usage = {"output_tokens": completion}
        return (
            self.say({"type": "content_block_stop", "index": 0})
            + self.say({"type": "message_delta", "delta": delta, "usage": usage})
            + self.say({"type": "message_stop"})
        )

    def whole(self, reason: str, completion: int) -> dict[str, Any]:
        """The answer at once."""
        usage = {"input_tokens": self.ask.prompt_tokens, "output_tokens": completion}
        blocks = [{"type": "text", "text": text(completion)}]
        return self._message(blocks, self.reason(reason), usage)

    def error(self, refusal: Refusal) -> bytes:
        """An error event."""
        error = {"type": "api_error", "message": refusal.message}
        return self.say({"type": "error", "error": error})

    def garbage(self) -> bytes:
        """An event that breaks off inside its JSON."""
        return framed(b'event: content_block_delta\ndata: {"type":"conte\n\n')

    def _message(self, blocks: list[Any], reason: str | None, usage: Any) -> dict[str, Any]:
        return {
            "id": f"msg_sim{self.number:09d}",
            "type": "message",
            "role": "assistant",
            "model": self.ask.model,
            "content": blocks,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage,
        }
