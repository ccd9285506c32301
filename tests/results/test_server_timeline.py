"""Lines over time: the axis, what a point is, and how many there are."""

from __future__ import annotations

from tailrace.results.server_client import ClientSide
from tailrace.results.server_log import ServerLog
from tailrace.results.server_timeline import MOST_POINTS, over_time
from tailrace.results.server_view import client_side

from .server_looks import S, log_of, look
from .test_server_client import row_of
from .test_server_stage import TWO, stage


def client_of(log: ServerLog) -> ClientSide:
    client = client_side(log)
    client.add(row_of(round(11.5 * S), S, [S, S, S], 0))  # outputs at 12.5, 13.5, 14.5, 15.5
    return client


def test_server_and_client_stand_on_one_axis() -> None:
    log = log_of(
        look(9.9, running=0, generated=0),
        look(12, running=1, generated=0),
        look(14, running=1, generated=2),
        look(16, running=0, generated=4),
    )
    found = over_time(log, TWO, client_of(log))
    lines = found["timeline"]
    assert lines["at_s"] == [-0.1, 2.0, 4.0, 6.0]
    assert lines["running"] == [0.0, 1.0, 1.0, 0.0]
    assert lines["in_flight"] == [0.0, 1.0, 1.0, 0.0]
    assert lines["tokens_per_s"] == [None, 0.0, 1.0, 1.0]
    assert lines["client_tokens_per_s"] == lines["tokens_per_s"]
    assert "cpu" not in lines
    assert "waiting" not in lines
    assert found["levels_at_s"] == [0.0, 11.0]


def test_looks_outside_the_levels_are_on_no_chart() -> None:
    log = log_of(*(look(at_s, running=1) for at_s in (2, 12, 32)))
    assert over_time(log, TWO, client_of(log))["timeline"]["at_s"] == [2.0]


def test_a_break_between_sittings_takes_no_room() -> None:
    stages = [stage(10, 20), stage(5000, 5010, 1)]
    log = log_of(*(look(at_s, running=1) for at_s in (12, 15, 5000, 5003)))
    found = over_time(log, stages, client_of(log))
    assert found["timeline"]["at_s"] == [2.0, 5.0, 6.0, 9.0]
    assert found["levels_at_s"] == [0.0, 6.0]
    assert found["timeline"]["client_tokens_per_s"][2] is None


def test_many_looks_become_fewer_points_and_no_token_is_lost() -> None:
    number = 4 * MOST_POINTS + 1
    looks = [look(10 + n / 100, running=n % 2, generated=n) for n in range(number)]
    log = log_of(*looks)
    lines = over_time(log, [stage(10, 20)], client_of(log))["timeline"]
    assert len(lines["at_s"]) <= MOST_POINTS
    rates, at_s = lines["tokens_per_s"], lines["at_s"]
    grown = sum(rates[n] * (at_s[n] - at_s[n - 1]) for n in range(1, len(at_s)))
    assert round(grown) == number - 1 - 100 * at_s[0]
    assert all(0.3 < value < 0.7 for value in lines["running"][:-1])


def test_gpus_are_one_line() -> None:
    def sample(used: float, watts: float | None) -> dict[str, float | None]:
        return {"memory_bytes": 1.0, "utilisation": used, "power_w": watts, "temperature_c": None}

    log = log_of(look(12, gpus=[sample(0.2, 100.0), sample(0.4, 50.0)]))
    lines = over_time(log, TWO, client_of(log))["timeline"]
    assert lines["gpu_utilisation"] == [0.3]
    assert lines["gpu_power_w"] == [150.0]


def test_nothing_to_draw() -> None:
    assert over_time(log_of(), TWO, client_of(log_of()))["timeline"] == {}
