"""Embeddings of the scripted endpoint: as many vectors as texts, after the time of a first token.

Rule: vectors have the same numbers whatever the text, so that an answer's size is known.
"""

from __future__ import annotations

import orjson

from tailrace.simulate.answers import Whole
from tailrace.simulate.ask import Ask, Refusal, no_model

VECTOR = [round(0.01 * (number % 7) - 0.03, 2) for number in range(64)]


def read_inputs(body: bytes, models: tuple[str, ...]) -> Ask | Refusal:
    """The ask in a request body, or why it is refused."""
    try:
        given = orjson.loads(body)
        model, texts = given["model"], given["input"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Refusal(400, "The body must be a JSON object with 'model' and 'input'.")
    if model not in models:
        return no_model(str(model))
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t for t in texts):
        return Refusal(400, "'input' must be a text or a list of texts.", param="input")
    return Ask(
        model=model,
        stream=False,
        max_tokens=1,
        ignore_eos=False,
        include_usage=True,
        prompt_tokens=max(1, sum(map(len, texts)) // 4),
        inputs=len(texts),
    )


class Embedded(Whole):
    """Vectors in one JSON body."""

    __slots__ = ()

    def _body(self) -> bytes:
        ask = self.job.ask
        if self.job.fault is not None and self.job.fault.tail == "garbage":
            return b'{"object":"list","da'
        vectors = range(ask.inputs if self.record.tokens else 0)
        self.record.tokens = 0
        return orjson.dumps(
            {
                "object": "list",
                "model": ask.model,
                "data": [
                    {"object": "embedding", "index": index, "embedding": VECTOR}
                    for index in vectors
                ],
                "usage": {
                    "prompt_tokens": ask.prompt_tokens,
                    "total_tokens": ask.prompt_tokens,
                },
            }
        )
