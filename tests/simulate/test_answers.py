"""Answers through a stock client: their shape, their pace, and every way to go wrong."""

import contextlib
import json
import statistics
import time

import httpx
import pytest

from tailrace.simulate.faults import CATALOGUE, PAGE

from .conftest import QUICK
from .helpers import await_in_flight, body, content, events, post, truth

ALL = " tail race weir gate lake"
SOME = " tail race weir"


def test_stream_has_openais_shape(client: httpx.Client) -> None:
    reply = post(client, stream_options={"include_usage": True})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["transfer-encoding"] == "chunked"
    *found, done = events(reply.content)
    assert done == "[DONE]"
    role, *texts, finish, usage = map(json.loads, found)
    assert role["choices"][0]["delta"]["role"] == "assistant"
    assert role["choices"][0]["delta"]["content"] == ""
    assert "".join(text["choices"][0]["delta"]["content"] for text in texts) == ALL
    assert (finish["choices"][0]["delta"], finish["choices"][0]["finish_reason"]) == ({}, "stop")
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 5
    assert len({chunk["id"] for chunk in (role, *texts, finish, usage)}) == 1


def test_max_tokens_cuts(client: httpx.Client) -> None:
    found = events(post(client, max_tokens=2).content)
    assert json.loads(found[-2])["choices"][0]["finish_reason"] == "length"
    assert len(found) == 1 + 2 + 1 + 1


def test_names_with_slash_and_colon(client: httpx.Client) -> None:
    assert content(post(client, model="org/sim:7b").content) == ALL


def test_answer_without_stream(client: httpx.Client) -> None:
    sent = time.perf_counter()
    reply = post(client, stream=False, max_tokens=4)
    assert time.perf_counter() - sent >= (QUICK.ttft_ns + 3 * QUICK.gap_ns) / 1e9
    whole = reply.json()
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == ALL.removesuffix(" lake")
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 4
    assert truth(client)["requests"][0]["tokens"] == 4


def test_record_of_a_stream(client: httpx.Client) -> None:
    post(client)
    record = truth(client)["requests"][0]
    assert (record["status"], record["end"], record["fault"]) == (200, "done", None)
    assert (record["tokens"], record["in_flight"], record["id"]) == (5, 1, "1")
    assert record["started_ns"] == record["arrived_ns"]
    times = [record[name] for name in ("arrived_ns", "received_ns", "headers_ns")]
    times += [*record["writes_ns"], record["finish_ns"], record["done_ns"]]
    assert times == sorted(times)
    assert len(record["writes_ns"]) == 5
    for index, wrote in enumerate(record["writes_ns"]):
        assert wrote >= record["started_ns"] + QUICK.ttft_ns + index * QUICK.gap_ns


@pytest.mark.realtime
def test_truth_agrees_with_the_clients_own_clock(client: httpx.Client) -> None:
    first: list[float] = []
    gaps: list[float] = []
    for _ in range(10):
        stamps = [time.perf_counter_ns()]
        with client.stream("POST", "chat/completions", json=body()) as reply:
            for piece in reply.iter_raw():
                stamps += [time.perf_counter_ns()] * (b'"content":" ' in piece)
        record = truth(client)["requests"][-1]
        if len(stamps) != 6:
            continue
        first.append(stamps[1] - record["writes_ns"][0])
        gaps += [mine - its for mine, its in zip(stamps[2:], record["writes_ns"][1:], strict=True)]
        assert stamps[0] <= record["arrived_ns"] <= record["received_ns"]
        assert stamps[1] >= record["writes_ns"][0]
    if not first:
        pytest.skip("every stream was read in lumps")
    assert statistics.median(first) < 3e6
    assert statistics.median(gaps) < 3e6


@pytest.mark.parametrize("status", [401, 404, 429, 500])
@pytest.mark.parametrize("stream", [False, True])
def test_refusals(client: httpx.Client, status: int, stream: bool) -> None:
    reply = post(client, f"http_{status}", stream=stream)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert ("retry-after" in reply.headers) == (status == 429)
    assert post(client).status_code == 200
    first, second = truth(client)["requests"]
    assert (first["status"], first["fault"], first["end"]) == (status, f"http_{status}", "fault")
    assert first["connection"] == second["connection"]


def test_not_sse(client: httpx.Client) -> None:
    reply = post(client, "not_sse")
    assert (reply.status_code, reply.text) == (200, PAGE)
    assert reply.headers["content-type"].startswith("text/html")


def test_error_event(client: httpx.Client) -> None:
    reply = post(client, "error_event")
    assert content(reply.content) == SOME
    assert json.loads(events(reply.content)[-1])["error"]["type"] == "server_error"


def read_into(found: bytearray, client: httpx.Client, fault: str, stream: bool) -> None:
    asked, headers = body(stream=stream), {"x-simulate-fault": fault}
    with client.stream("POST", "chat/completions", json=asked, headers=headers) as reply:
        for piece in reply.iter_raw():
            found += piece


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("truncated", httpx.RemoteProtocolError),
        ("reset", httpx.ReadError),
        ("stall", httpx.ReadTimeout),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_broken_off(
    client: httpx.Client, fault: str, error: type[httpx.HTTPError], stream: bool
) -> None:
    client.timeout = httpx.Timeout(5, read=0.1)
    found = bytearray()
    with pytest.raises(error):
        read_into(found, client, fault, stream)
    if stream:
        assert content(bytes(found)) == SOME
    record = await_in_flight(client, 0)["requests"][0]
    assert record["end"] == ("left" if fault == "stall" else "fault")
    assert len(record["writes_ns"]) == (3 if stream else 1)
    assert post(client).status_code == 200


def test_no_done(client: httpx.Client) -> None:
    found = events(post(client, "no_done").content)
    assert len(found) == 1 + 5
    assert not any('"finish_reason":"' in data or data == "[DONE]" for data in found)


def test_empty(client: httpx.Client) -> None:
    reply = post(client, "empty", stream_options={"include_usage": True})
    role, finish, usage, done = events(reply.content)
    assert '"role"' in role
    assert '"finish_reason":"stop"' in finish
    assert json.loads(usage)["usage"]["completion_tokens"] == 0
    assert done == "[DONE]"
    assert post(client, "empty", stream=False).json()["choices"][0]["message"]["content"] == ""


def test_garbage_json(client: httpx.Client) -> None:
    *good, bad, done = events(post(client, "garbage_json").content)
    assert len(list(map(json.loads, good))) == 1 + 3
    with pytest.raises(json.JSONDecodeError):
        json.loads(bad)
    assert done == "[DONE]"
    with pytest.raises(json.JSONDecodeError):
        post(client, "garbage_json", stream=False).json()


def test_close_idle(client: httpx.Client) -> None:
    reply = post(client, "close_idle")
    assert content(reply.content) == ALL
    assert reply.headers["connection"] == "keep-alive"
    time.sleep(0.02)
    assert post(client).status_code == 200
    assert truth(client)["connections"] == 2


def test_connection_close(client: httpx.Client) -> None:
    reply = post(client, "connection_close")
    assert content(reply.content) == ALL
    assert reply.headers["connection"] == "close"
    post(client)
    assert truth(client)["connections"] == 2


@pytest.mark.parametrize(
    "fault",
    [
        fault.name
        for fault in CATALOGUE.values()
        if fault.at == "request" and fault.ends and fault.name != "two_answers"
    ],
)
def test_every_fault_of_a_whole_answer_is_recorded_and_ends(
    client: httpx.Client, fault: str
) -> None:
    with contextlib.suppress(httpx.HTTPError):
        post(client, fault, stream=False)
    time.sleep(0.01 if fault == "close_idle" else 0)
    seen = truth(client)
    assert (seen["requests"][0]["fault"], seen["in_flight"]) == (fault, 0)
    gave_up = fault in ("huge_header", "many_headers", "two_lengths", "huge_trailer")  # httpx does
    assert seen["requests"][0]["end"] in (("fault", "left") if gave_up else ("fault",))
