"""Probes and bursts against the scripted endpoint."""

from __future__ import annotations

import anyio
import pytest

from tailrace.engine.check_model import Prober
from tailrace.engine.clock import Origin
from tailrace.results.check_burst import BurstLook
from tailrace.results.check_model import ModelLook
from tailrace.results.decoding import decoded_at_once
from tailrace.results.server_kind import ServerName
from tailrace.scenarios.items import from_texts
from tailrace.scenarios.model import Level, Scenario
from tailrace.simulate import Script, background

MS = 1_000_000


def prober_of(url: str, within_s: float = 20.0, stream: bool = True) -> Prober:
    scenario = Scenario(url, ("sim",), (Level(1, 0.0, 1.0, None),), stream=stream)
    deadline = anyio.current_time() + within_s
    return Prober(scenario, from_texts(("Hello",)), 8, deadline, Origin.take())


def test_two_probes_as_a_run_sends_them(sim_url: str) -> None:
    async def main() -> None:
        prober = prober_of(sim_url)
        look = ModelLook("sim", "sim", sim_url)
        await prober.look(look, ())
        assert prober.sent == 2
        assert look.first is not None
        assert look.second is not None
        assert (look.first.row.outcome, look.first.done) == ("ok", True)
        assert look.first.row.output_tokens == 8  # --probe-tokens, whatever the scenario says
        assert look.second.row.reused is True
        assert look.plain is None

    anyio.run(main)


def test_a_model_that_is_refused_is_asked_once(sim_url: str) -> None:
    async def main() -> None:
        prober = prober_of(sim_url)
        look = ModelLook("x", "x", sim_url)
        await prober.look(look, ())
        assert (prober.sent, look.answers, look.second) == (1, False, None)

    anyio.run(main)


@pytest.mark.parametrize(("slots", "at_once"), [(1, 1), (2, 2), (0, 6)])
def test_a_burst_shows_the_slots(slots: int, at_once: int) -> None:
    async def main(url: str) -> BurstLook:
        prober = prober_of(url)
        look = ModelLook("sim", "sim", url)
        found = await prober.burst(look, (), 6, 6, ServerName())
        assert prober.sent == 6
        return found

    with background(Script(ttft_ns=20 * MS, gap_ns=20 * MS, slots=slots)) as url:
        found = anyio.run(main, url)
    spans = [t for row in found.rows for t in (row.first_output_ns or 0, row.last_output_ns or 0)]
    assert decoded_at_once(spans) == at_once
    assert found.problem == ""


def test_all_stops_at_the_deadline() -> None:
    async def main(url: str) -> None:
        prober = prober_of(url, within_s=0.5)
        look = ModelLook("sim", "sim", url)
        await prober.look(look, ())
        assert look.first is not None
        assert look.first.row.outcome == "cancelled"
        assert "3 chunks came" in (look.first.row.error or "")
        found = await prober.burst(look, (), 6, 6, ServerName())
        assert (found.rows, found.problem) == ([], "not sent: the time of --within is over")
        again = ModelLook("sim", "sim", url)
        await prober.look(again, ())
        assert "--within" in again.not_asked
        assert prober.sent == 1

    with background(Script(ttft_ns=MS, gap_ns=MS, fault="stall")) as url:
        anyio.run(main, url)


def test_whole_answers_are_asked_for_whole(sim_url: str) -> None:
    async def main() -> None:
        prober = prober_of(sim_url, stream=False)
        look = ModelLook("sim", "sim", sim_url, streamed=False)
        await prober.look(look, ())
        assert look.first is not None
        assert look.first.row.outcome == "ok"
        assert look.first.row.first_output_ns is None

    anyio.run(main)
