"""Which address a connection leads to: pinned, or all in turn; from a resolver of the tests own."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import Counter
from collections.abc import Sequence

import httpx
import pytest

from tailrace.engine.addresses import Address, Addresses, by_system, peer_text
from tailrace.engine.exchange import Exchange, WireError
from tailrace.engine.wire import FastTransport
from tests.cloud_server import CloudServer, serving

from .test_wire import Sink

V4 = socket.AF_INET
ONE: Address = (V4, ("127.0.0.1", 80))
TWO: Address = (V4, ("127.0.0.2", 80))
THREE: Address = (V4, ("127.0.0.3", 80))
ORIGIN = ("http", "h", 80)


def stub(*found: Address, asked: list[str] | None = None) -> object:
    async def resolve(host: str, port: int) -> Sequence[Address]:
        if asked is not None:
            asked.append(host)
        return found

    return resolve


def test_pinned_addresses_are_all_tried_until_one_answers() -> None:
    asked: list[str] = []
    addresses = Addresses(resolve=stub(ONE, TWO, asked=asked))  # type: ignore[arg-type]

    async def go() -> None:
        assert await addresses.to_dial(ORIGIN) == [ONE, TWO]
        addresses.answered(ORIGIN, TWO)
        assert await addresses.to_dial(ORIGIN) == [TWO]

    asyncio.run(go())
    assert asked == ["h"], "a name is looked up once"
    assert not addresses.told


def test_spread_addresses_take_turns_and_stay() -> None:
    addresses = Addresses(spread=True, resolve=stub(ONE, TWO, THREE))  # type: ignore[arg-type]

    async def go() -> list[Address]:
        firsts = []
        for _ in range(6):
            order = await addresses.to_dial(ORIGIN)
            assert sorted(order, key=str) == [ONE, TWO, THREE]
            addresses.answered(ORIGIN, order[-1])
            firsts.append(order[0])
        return firsts

    assert asyncio.run(go()) == [ONE, TWO, THREE] * 2
    assert addresses.told


def test_a_name_without_an_address_is_a_dns_error() -> None:
    with pytest.raises(WireError, match="has no address"):
        asyncio.run(Addresses(resolve=stub()).to_dial(ORIGIN))  # type: ignore[arg-type]


def test_a_name_that_nobody_knows_is_a_dns_error() -> None:
    with pytest.raises(WireError, match="cannot be resolved") as caught:
        asyncio.run(Addresses().to_dial(("http", "nowhere.invalid", 80)))
    assert caught.value.error_class == "dns"


def test_the_system_is_asked_for_streams_only() -> None:
    found = asyncio.run(by_system("127.0.0.1", 8080))
    assert found == [(V4, ("127.0.0.1", 8080))]


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (ONE, "127.0.0.1:80"),
        ((socket.AF_INET6, ("::1", 80, 0, 0)), "[::1]:80"),
    ],
)
def test_a_peer_as_rows_keep_it(address: Address, text: str) -> None:
    assert peer_text(address) == text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
@pytest.mark.parametrize("kernel_stamps", [True, False])
def test_connections_go_over_both_addresses_of_a_name(kernel_stamps: bool) -> None:
    one = CloudServer()
    with serving(one):
        two = CloudServer()
        two.port = one.port
        with serving(two, host="127.0.0.2"):
            found = ((V4, ("127.0.0.1", one.port)), (V4, ("127.0.0.2", one.port)))
            addresses = Addresses(spread=True, resolve=stub(*found))  # type: ignore[arg-type]
            peers = asyncio.run(_six(addresses, one.port, kernel_stamps))
    assert peers == {f"127.0.0.1:{one.port}": 3, f"127.0.0.2:{one.port}": 3}
    assert (len(one.paths), len(two.paths)) == (3, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
def test_an_address_that_does_not_answer_is_passed_over() -> None:
    with serving(CloudServer()) as one:
        found = ((V4, ("127.0.0.1", one.port)), (V4, ("127.0.0.2", one.port)))
        addresses = Addresses(spread=True, resolve=stub(*found))  # type: ignore[arg-type]
        peers = asyncio.run(_six(addresses, one.port, True))
    assert peers == {f"127.0.0.1:{one.port}": 6}


async def _six(addresses: Addresses, port: int, kernel_stamps: bool) -> Counter[str | None]:
    """Six requests at once, each on a connection of its own."""
    wire = FastTransport(kernel_stamps=kernel_stamps, addresses=addresses)
    url = f"http://spread.example:{port}/v1"
    await wire.prepare(httpx.URL(url), 6)
    headers = [("host", "h"), ("content-length", "2")]
    exchanges = [Exchange(Sink()) for _ in range(6)]
    await asyncio.gather(
        *(
            wire.exchange(
                httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(b"{}")), each
            )
            for each in exchanges
        )
    )
    await wire.aclose()
    return Counter(each.peer for each in exchanges)
