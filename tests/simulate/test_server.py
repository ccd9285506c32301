"""Routes, keys, models, slots, and faults by number."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from tailrace.simulate import Script

from .helpers import await_in_flight, body, content, post, truth


def test_models_and_health(client: httpx.Client) -> None:
    rows = client.get("models").json()["data"]
    assert [row["id"] for row in rows] == ["sim", "org/sim:7b"]
    root = str(client.base_url).rstrip("/").removesuffix("/v1")
    assert client.get(root + "/health").json() == {"status": "ok"}
    assert truth(client)["requests"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "chat/completions", 405), ("PUT", "models", 405), ("POST", "edits", 404)],
)
def test_unknown_routes(client: httpx.Client, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, set(reply.json())) == (status, {"error"})


def test_unknown_model(client: httpx.Client) -> None:
    reply = post(client, model="gpt")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")
    record = truth(client)["requests"][0]
    assert (record["status"], record["end"]) == (404, "refused")


def test_bad_json_and_unknown_fault(client: httpx.Client) -> None:
    assert client.post("chat/completions", content=b"{").status_code == 400
    assert post(client, "earthquake").status_code == 400


def test_kept_connection_is_reused(client: httpx.Client) -> None:
    for _ in range(5):
        post(client)
    found = truth(client)
    assert (found["connections"], found["request_count"], found["max_in_flight"]) == (1, 5, 1)


def test_truth_without_records(client: httpx.Client) -> None:
    post(client)
    root = str(client.base_url).rstrip("/").removesuffix("/v1")
    found = client.get(root + "/truth?requests=0").json()
    assert (found["requests"], found["request_count"]) == ([], 1)
    assert found["clock"] == "perf_counter_ns"
    assert found["script"]["tokens"] == 5


def test_api_key(start: Callable[[Script], str]) -> None:
    url = start(Script(ttft_ns=0, gap_ns=0, tokens=1, api_key="hush"))
    with httpx.Client(base_url=url, verify=False) as client:
        for headers in ({}, {"authorization": "Bearer other"}):
            reply = client.post("chat/completions", json=body(), headers=headers)
            assert reply.status_code == 401
            assert reply.json()["error"]["code"] == "invalid_api_key"
        good = {"authorization": "Bearer hush"}
        assert client.post("chat/completions", json=body(), headers=good).status_code == 200
        assert "hush" not in json.dumps(truth(client))


def test_slots_serve_first_come_first(start: Callable[[Script], str]) -> None:
    """Two stalled answers hold both slots until their client leaves; three others wait."""
    url = start(Script(ttft_ns=20_000_000, gap_ns=2_000_000, tokens=3, slots=2))
    with httpx.Client(base_url=url, verify=False) as client, ThreadPoolExecutor(3) as pool:
        with ExitStack() as holders:
            for _ in range(2):
                holders.enter_context(
                    client.stream(
                        "POST",
                        "chat/completions",
                        json=body(),
                        headers={"x-simulate-fault": "stall"},
                    )
                )
            waiters = [pool.submit(post, client) for _ in range(3)]
            held = await_in_flight(client, 5)
        assert all(waiter.result().status_code == 200 for waiter in waiters)
        records = truth(client)["requests"]
    assert held["max_in_flight"] == 5
    assert [bool(record["started_ns"]) for record in held["requests"]] == [True] * 2 + [False] * 3
    assert not any(record["headers_ns"] for record in held["requests"][2:])
    starts = [record["started_ns"] for record in records]
    assert starts == sorted(starts)
    assert records[4]["started_ns"] >= min(record["done_ns"] for record in records[2:4])
    for record in records[2:]:
        assert record["writes_ns"][0] >= record["started_ns"] + 20_000_000


def test_a_server_that_fails_from_some_request_on(start: Callable[[Script], str]) -> None:
    script = Script(ttft_ns=1_000_000, tokens=1, fault="http_500", fault_from=3)
    with httpx.Client(base_url=start(script), trust_env=False) as client:
        assert [post(client).status_code for _ in range(4)] == [200, 200, 500, 500]


def test_fault_every_so_many_and_role_early(start: Callable[[Script], str]) -> None:
    script = Script(ttft_ns=60_000_000, tokens=1, fault="http_500", fault_every=2, role_early=True)
    with httpx.Client(base_url=start(script), verify=False) as client:
        with client.stream("POST", "chat/completions", json=body()) as reply:
            pieces = list(reply.iter_raw())
        assert b'"role"' in pieces[0]
        assert b'"content":" ' not in pieces[0]
        assert content(b"".join(pieces)) == " tail"
        assert post(client).status_code == 500


def test_reset_of_the_truth_begins_the_numbers_again(client: httpx.Client) -> None:
    post(client)
    root = str(client.base_url).rstrip("/").removesuffix("/v1")
    assert client.delete(root + "/truth").json() == {"status": "reset"}
    post(client)
    found = truth(client)
    assert [record["number"] for record in found["requests"]] == [1]
    assert found["connections"] == 1
