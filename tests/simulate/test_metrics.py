"""The endpoint's own counters: exact at the moment of asking, and only there when wanted."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tailrace.engine.exposition import looks_like_metrics, series_of
from tailrace.results.server_names import common_of
from tailrace.simulate import Script, background
from tailrace.simulate.metrics import Counts, metrics_text


def values(url: str) -> dict[str, float]:
    answer = httpx.get(url.removesuffix("/v1") + "/metrics", trust_env=False).raise_for_status()
    assert looks_like_metrics(answer.headers["content-type"], answer.text)
    return dict(common_of(series_of(answer.text).values).values)


def body(**more: object) -> dict[str, object]:
    return {"model": "sim", "messages": [{"role": "user", "content": "x" * 40}], **more}


def test_they_are_not_there_unless_wanted(sim_url: str) -> None:
    answer = httpx.get(sim_url.removesuffix("/v1") + "/metrics", trust_env=False)
    assert answer.status_code == 404


def test_tokens_of_streamed_and_whole_answers() -> None:
    with background(Script(ttft_ns=0, gap_ns=0, metrics=True)) as url:
        assert values(url)["generated_tokens"] == 0
        for stream, tokens in ((True, 7), (False, 5)):
            asked = body(stream=stream, max_tokens=tokens)
            httpx.post(f"{url}/chat/completions", json=asked, trust_env=False).raise_for_status()
        found = values(url)
    assert found["generated_tokens"] == 12
    assert found["prompt_tokens"] == 20
    assert found["running"] == found["waiting"] == 0


@pytest.mark.asyncio
async def test_requests_in_slots_and_in_the_queue() -> None:
    script = Script(ttft_ns=20_000_000, gap_ns=50_000_000, tokens=200, slots=2, metrics=True)
    with background(script) as url:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            asked = [
                asyncio.create_task(client.post(f"{url}/chat/completions", json=body(stream=True)))
                for _ in range(5)
            ]
            for _ in range(200):
                found = await asyncio.to_thread(values, url)
                if found["running"] == 2 and found["waiting"] == 3 and found["generated_tokens"]:
                    break
                await asyncio.sleep(0.02)
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        assert (found["running"], found["waiting"]) == (2, 3)
        assert found["generated_tokens"] < 2 * 200


def test_the_text() -> None:
    assert metrics_text(Counts(1, 2, 3, 4)) == (
        b"# TYPE simulate:requests_running gauge\nsimulate:requests_running 1\n"
        b"# TYPE simulate:requests_waiting gauge\nsimulate:requests_waiting 2\n"
        b"# TYPE simulate:prompt_tokens_total counter\nsimulate:prompt_tokens_total 3\n"
        b"# TYPE simulate:generated_tokens_total counter\nsimulate:generated_tokens_total 4\n"
    )
