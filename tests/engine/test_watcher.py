"""What is watched: where its metrics are, and to whom a key may be shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tailrace.engine import watcher
from tailrace.engine.clock import Origin
from tailrace.engine.watcher import Nobody, Plan, metrics_url, same_origin, watching
from tailrace.engine.worker import Target
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.server_side import ServerSide
from tailrace.simulate import Script, background

KEY = (("Authorization", "Bearer k"),)


def plan_of(url: str, folder: Path, side: ServerSide) -> Plan:
    scenario = Scenario(url, ("sim",), (Level(1, 0.0, None, 1),), server_side=side)
    return Plan(scenario, Origin.take(), folder)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://h:1/v1", "http://h:1/metrics"),
        ("http://h:1/v1/", "http://h:1/metrics"),
        ("http://h:1/llm/v1", "http://h:1/llm/metrics"),
        ("http://h:1/openai", "http://h:1/openai/metrics"),
    ],
)
def test_metrics_stand_at_the_root(base_url: str, expected: str) -> None:
    assert metrics_url(base_url) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("http://h:1/metrics", "http://h:1/v1", True),
        ("http://H:1/metrics", "http://h:1/v1", True),
        ("http://h/metrics", "http://h:80/v1", True),
        ("http://h:2/metrics", "http://h:1/v1", False),
        ("https://h:1/metrics", "http://h:1/v1", False),
        ("http://other/metrics", "http://h/v1", False),
    ],
)
def test_whose_the_key_is(one: str, other: str, expected: bool) -> None:
    assert same_origin(one, other) is expected


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("metrics", "headers"), [("http://h:1/other", list(KEY)), ("http://else:1/metrics", [])]
)
async def test_a_key_is_not_shown_to_another_host(
    tmp_path: Path, metrics: str, headers: list[tuple[str, str]]
) -> None:
    plan = plan_of("http://h:1/v1", tmp_path, ServerSide(metrics))
    orders = await watcher._orders(plan, Target("m", "m", "http://h:1/v1"), KEY, None)
    assert orders is not None
    assert (orders.url, orders.headers) == (metrics, headers)


@pytest.mark.asyncio
@pytest.mark.parametrize("side", [ServerSide(), ServerSide("off"), ServerSide("off", 1.0, "off")])
async def test_nobody_is_started_where_there_is_nothing_to_look_at(
    tmp_path: Path, sim_url: str, side: ServerSide
) -> None:
    plan = plan_of(sim_url, tmp_path, side)
    async with watching(plan, Target("sim", "sim", sim_url), (), None, print) as watched:
        assert isinstance(watched, Nobody)
        await watched.look()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio
async def test_a_page_that_answers_anything_is_no_metrics(tmp_path: Path) -> None:
    with background(Script(metrics=True)) as url:
        plan = plan_of(url, tmp_path, ServerSide())
        target = Target("sim", "sim", url)
        assert await watcher._orders(plan, target, (), None) is not None
        elsewhere = target._replace(base_url=url.replace("/v1", "/health/v1"))
        assert await watcher._orders(plan, elsewhere, (), None) is None


@pytest.mark.asyncio
async def test_a_process_that_dies_holds_nobody_up(tmp_path: Path) -> None:
    said: list[str] = []
    with background(Script(metrics=True)) as url:
        plan = plan_of(url, tmp_path, ServerSide())
        plan = plan._replace(scenario=replace(plan.scenario, insecure=True))
        async with watching(plan, Target("sim", "sim", url), (), None, said.append) as watched:
            assert isinstance(watched, watcher.Watcher)
            await watched.look()
            watched._process.kill()
            await watched.look()
            await watched.look()
    assert watched._process.returncode is not None
    assert said == ["the server is watched no more: the process for it ended"]
