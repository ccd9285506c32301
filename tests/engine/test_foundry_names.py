"""``auto`` and ``ALL`` on Foundry Local: what is on this machine, the loaded one first."""

from __future__ import annotations

import pytest

from tailrace.engine.foundry_names import listed_by_foundry
from tailrace.engine.loader import LoadError
from tailrace.engine.model_names import chosen
from tests.foundry_service import CPU, SMALL, foundry_service

pytestmark = pytest.mark.asyncio


async def test_only_what_is_cached_is_listed() -> None:
    with foundry_service(ttls={SMALL: 600.0}, used={SMALL: 1e12}) as service:
        listed = await listed_by_foundry(service.root, ())
    assert chosen("ALL", listed) == [CPU, SMALL]
    assert chosen("auto", listed) == [SMALL]


async def test_none_at_all_says_how_to_get_one() -> None:
    words = "foundry model download NAME"
    with foundry_service(cached=()) as service, pytest.raises(LoadError, match=words):
        await listed_by_foundry(service.root, ())
