"""The scripted endpoint's embeddings: what is asked, and what is refused in OpenAI's words."""

from __future__ import annotations

import orjson
import pytest

from tailrace.simulate.ask import Ask, Refusal
from tailrace.simulate.embeddings import read_inputs


@pytest.mark.parametrize(("given", "inputs"), [("abcdefgh", 1), (["abcd", "efgh"], 2)])
def test_texts(given: object, inputs: int) -> None:
    wanted = read_inputs(orjson.dumps({"model": "m", "input": given}), ("m",))
    assert isinstance(wanted, Ask)
    assert (wanted.inputs, wanted.prompt_tokens, wanted.stream) == (inputs, 2, False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"model":"m"}', 400),
        (b'{"model":"m","input":[]}', 400),
        (b'{"model":"m","input":""}', 400),
        (b'{"model":"m","input":[5]}', 400),
        (b'{"model":"other","input":"x"}', 404),
    ],
)
def test_refusals(body: bytes, status: int) -> None:
    refusal = read_inputs(body, ("m",))
    assert isinstance(refusal, Refusal)
    assert refusal.status == status
