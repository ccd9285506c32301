"""Ready-made requests: whatever the scenario, the length is right and nothing secret shows."""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace import __version__
from tailrace.engine import outgoing as module
from tailrace.engine.dialects.delta import Ask
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import origin_of
from tailrace.engine.outgoing import Outgoing, common_headers, merged
from tailrace.engine.wire import serialize
from tailrace.scenarios.items import Item, from_texts
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.prompts import nonce

many = settings(max_examples=200, deadline=None)
SECRET = ("Authorization", "Bearer sk-very-secret")


def scenario(**more: Any) -> Scenario:
    fields = {"base_url": "http://h:1/v1", "models": ("m",), "levels": (Level(1, 0.0, None, 1),)}
    return Scenario(**(fields | more))


class Checked(Outgoing):
    """Gives requests as httpx has them, having seen that the prepared bytes are the same."""

    def ask(self, sequence: int, request_id: str) -> httpx.Request:
        item = from_texts(self._scenario.prompts).item(sequence)
        prepared = super().request(item, sequence, request_id)
        made = prepared.as_httpx()
        assert serialize(made) == prepared.data
        assert origin_of(made.url) == prepared.origin
        return made


def outgoing(headers: tuple[tuple[str, str], ...] = (), **more: Any) -> Checked:
    return Checked(scenario(**more), "m", OpenAIChat(), headers)


def content(request: httpx.Request) -> bytes:
    return b"".join(request.stream)  # type: ignore[arg-type]


def body(request: httpx.Request) -> dict[str, Any]:
    found = orjson.loads(content(request))
    assert isinstance(found, dict)
    return found


def first_text(request: httpx.Request) -> str:
    return str(body(request)["messages"][0]["content"])


def test_a_request() -> None:
    request = outgoing(prompts=("Hi",), salt="s", seed=3).ask(5, "m-0-5")
    assert (request.method, str(request.url)) == ("POST", "http://h:1/v1/chat/completions")
    assert body(request) == {
        "model": "m",
        "messages": [{"role": "user", "content": f"[{nonce('s', 3, 5)}] Hi"}],
        "max_tokens": 64,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert dict(request.headers) == {
        "host": "h:1",
        "user-agent": f"tailrace/{__version__}",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(content(request))),
        "x-request-id": "m-0-5",
    }


# Not control characters and backslashes: together they could spell the nonce's slot.
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@many
@given(
    st.lists(words | st.sampled_from(['"\\\n\t', "\U0001f600", "\u2028"]), min_size=1, max_size=4),
    st.none() | words,
    st.booleans(),
    words,
    st.integers(0, 2**63),
    st.integers(0, 10**9),
    st.dictionaries(st.sampled_from(("top_p", "messages", "stop", "model")), words, max_size=2),
)
def test_the_length_is_that_of_the_body(
    prompts: list[str],
    system: str | None,
    with_nonce: bool,
    salt: str,
    seed: int,
    sequence: int,
    extra: dict[str, object],
) -> None:
    made = outgoing(
        prompts=tuple(prompts),
        system=system,
        nonce=with_nonce,
        salt=salt,
        seed=seed,
        extra_body=extra,
    )
    request = made.ask(sequence, "id")
    assert request.headers["content-length"] == str(len(content(request)))
    found = body(request)
    assert {key: found[key] for key in extra} == extra
    if "messages" in extra:
        return
    texts = [message["content"] for message in found["messages"]]
    prompt = prompts[sequence % len(prompts)]
    wanted = [prompt] if system is None else [system, prompt]
    if with_nonce:
        wanted[0] = f"[{nonce(salt, seed, sequence)}] {wanted[0]}"
    assert texts == wanted
    assert [m["role"] for m in found["messages"]] == ["system", "user"][-len(texts) :]


def test_prompts_take_turns() -> None:
    made = outgoing(prompts=("a", "b", "c"), nonce=False)
    assert [first_text(made.ask(n, "id")) for n in range(7)] == list("abcabca")


def test_each_request_has_its_own_nonce() -> None:
    made = outgoing(prompts=("a", "b"))
    texts = [first_text(made.ask(n, "id")) for n in range(500)]
    assert len(set(texts)) == 500
    assert all(re.match(r"\[[0-9a-f]{16}\] [ab]$", text) for text in texts)


def test_nonces_are_the_same_for_the_same_salt_and_seed_and_else_others() -> None:
    def texts(salt: str, seed: int) -> set[str]:
        made = outgoing(salt=salt, seed=seed)
        return {first_text(made.ask(n, "id")) for n in range(50)}

    assert texts("s", 1) == texts("s", 1)
    assert not texts("s", 1) & texts("s", 2)
    assert not texts("s", 1) & texts("t", 1)


def test_without_nonce_a_prompt_is_sent_as_it_is() -> None:
    made = outgoing(prompts=("a",), nonce=False)
    assert content(made.ask(0, "id")) == content(made.ask(1, "id"))
    assert first_text(made.ask(0, "id")) == "a"


def test_the_seed_is_sent_only_when_asked_for() -> None:
    assert "seed" not in body(outgoing(seed=7).ask(0, "id"))
    assert body(outgoing(seed=7, send_seed=True).ask(0, "id"))["seed"] == 7


def test_a_given_header_is_added() -> None:
    request = outgoing((SECRET, ("X-A", "1"))).ask(0, "id")
    assert request.headers["authorization"] == SECRET[1]
    assert request.headers["x-a"] == "1"


@pytest.mark.parametrize(
    "name", ["Host", "user-agent", "Accept", "ACCEPT-ENCODING", "Content-Type", "X-Request-Id"]
)
def test_a_given_header_replaces_ours(name: str) -> None:
    request = outgoing(((name, "mine"),)).ask(0, "id")
    assert request.headers.get_list(name) == ["mine"]


def test_a_given_length_never_belies_the_body() -> None:
    request = outgoing((("Content-Length", "1"),)).ask(0, "id")
    assert request.headers.get_list("content-length") == [str(len(content(request)))]


def test_common_headers_without_a_body() -> None:
    ours = common_headers(httpx.URL("http://[::1]:8/v1/models"))
    headers = dict(merged(ours, (SECRET,)))
    assert headers[b"host"] == b"[::1]:8"
    assert headers[b"authorization"] == SECRET[1].encode()
    assert b"content-type" not in headers


def test_a_header_given_twice_is_sent_twice() -> None:
    headers = merged(common_headers(httpx.URL("http://h")), (("X-A", "1"), ("x-a", "2")))
    assert [value for name, value in headers if name == b"x-a"] == [b"1", b"2"]


def test_secrets_are_in_no_repr_and_not_in_the_scenario() -> None:
    made = outgoing((SECRET,), header_names=("Authorization",))
    request = made.ask(0, "id")
    for shown in (repr(made), str(made), repr(request), repr(request.headers)):
        assert "sk-very-secret" not in shown
    kept = scenario(header_names=("Authorization",)).to_dict()
    assert "sk-very-secret" not in repr(kept)


def test_the_host_names_a_port_that_is_not_the_schemes_own() -> None:
    assert outgoing(base_url="http://h:80/v1").ask(0, "id").headers["host"] == "h"
    assert outgoing(base_url="https://h:444/v1").ask(0, "id").headers["host"] == "h:444"


def test_an_item_overrides_what_the_scenario_says() -> None:
    item = Item("x", (("user", "p"),), max_tokens=7, model="m-lora", extra={"top_p": 0.5})
    made = Outgoing(scenario(max_tokens=64, extra_body={"top_p": 1, "n": 1}), "m", OpenAIChat())
    found = orjson.loads(made.request(item, 0, "id").body)
    assert (found["max_tokens"], found["model"]) == (7, "m-lora")
    assert (found["top_p"], found["n"]) == (0.5, 1)


@pytest.mark.parametrize("keep", [True, False])
def test_items_with_one_id_are_not_mixed_up(keep: bool) -> None:
    made = Outgoing(scenario(nonce=False), "m", OpenAIChat(), keep=keep)
    for text in ("a", "b", "a", "c"):
        request = made.request(Item("x", (("user", text),)), 0, "id")
        assert orjson.loads(request.body)["messages"][0]["content"] == text


class Counting(OpenAIChat):
    """Counts how often a body is made."""

    made = 0

    def body(self, ask: Ask) -> bytes:
        self.made += 1
        return super().body(ask)


@pytest.mark.parametrize(
    ("more", "room_bytes", "made"), [({}, 10**6, 2), ({}, 150, 4), ({"keep": False}, 10**6, 6)]
)
def test_a_body_is_made_once_where_there_is_room_for_it(
    more: dict[str, Any], room_bytes: int, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept are those that came while there was room, the last of them whole."""
    monkeypatch.setattr(module, "KEPT_BYTES", room_bytes)
    dialect = Counting()
    requests = Outgoing(scenario(), "m", dialect, **more)
    first, second = (Item(name, (("user", name * 100),)) for name in "ab")
    bodies = [requests.request(item, 0, "id").body for item in (first, second) * 3]
    assert len(set(bodies)) == 2
    assert dialect.made == made


def test_an_answer_that_is_not_streamed_is_asked_for_as_json() -> None:
    request = outgoing(stream=False).ask(0, "id")
    assert request.headers["accept"] == "application/json"
    assert not body(request).get("stream")
