"""The same job on stock httpx: AsyncClient without limits, ``aiter_lines``, uvloop.

Rule: no limit, no timeout, the same JSON parse as the raw client.
Why: it is what most people's scripts against such endpoints run on.

Usage: httpx_client.py URL STREAMS REQUESTS TOKENS
"""

from __future__ import annotations

import asyncio
import time

import httpx
import orjson
import uvloop
from job import Job, from_arguments

HEADERS = {"content-type": "application/json"}


async def hold(client: httpx.AsyncClient, job: Job) -> None:
    """One stream: a request after another."""
    while job.take():
        await one(client, job)


async def one(client: httpx.AsyncClient, job: Job) -> None:
    """One request, to the end of its answer."""
    sent_ns = time.perf_counter_ns()
    job.first_ns = job.first_ns or sent_ns
    last_ns = 0
    async with client.stream("POST", job.url, content=job.body, headers=HEADERS) as answer:
        async for line in answer.aiter_lines():
            if not line.startswith("data: ") or line == "data: [DONE]":
                continue
            read_ns = time.perf_counter_ns()
            choices = orjson.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                if last_ns:
                    job.gaps.append(read_ns - last_ns)
                else:
                    job.ttfts.append(read_ns - sent_ns)
                last_ns = read_ns
        job.done += answer.status_code == 200


async def main() -> None:
    job = from_arguments()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=None, limits=limits, trust_env=False) as client:
        await asyncio.gather(*(hold(client, job) for _ in range(job.streams)))
    job.report()


if __name__ == "__main__":
    uvloop.run(main())
