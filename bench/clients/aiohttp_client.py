"""The same job on aiohttp, as its users write it, tuned as far as its interface goes.

Rule: no connection limit, no timeout, one session, uvloop, the same JSON parse as the raw client;
the body is read with ``iter_any``, the leaner of its ways (``readline`` costs a call a line more).
Why: aiohttp is what a load generator of one's own is usually made of.

Usage: aiohttp_client.py URL STREAMS REQUESTS TOKENS
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import orjson
import uvloop
from job import Job, from_arguments

HEADERS = {"content-type": "application/json"}


async def hold(session: aiohttp.ClientSession, job: Job) -> None:
    """One stream: a request after another."""
    while job.take():
        await one(session, job)


async def one(session: aiohttp.ClientSession, job: Job) -> None:
    """One request, to the end of its answer."""
    sent_ns = time.perf_counter_ns()
    job.first_ns = job.first_ns or sent_ns
    last_ns = 0
    rest = b""
    async with session.post(job.url, data=job.body, headers=HEADERS) as answer:
        async for data in answer.content.iter_any():
            read_ns = time.perf_counter_ns()
            *events, rest = (rest + data if rest else data).split(b"\n\n")
            for event in events:
                if event == b"data: [DONE]" or not event.startswith(b"data: "):
                    continue
                choices = orjson.loads(event[6:])["choices"]
                if choices and choices[0]["delta"].get("content"):
                    if last_ns:
                        job.gaps.append(read_ns - last_ns)
                    else:
                        job.ttfts.append(read_ns - sent_ns)
                    last_ns = read_ns
        job.done += answer.status == 200


async def main() -> None:
    job = from_arguments()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        await asyncio.gather(*(hold(session, job) for _ in range(job.streams)))
    job.report()


if __name__ == "__main__":
    uvloop.run(main())
