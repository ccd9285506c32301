"""Lines over time: the axis, what a point is, and how many there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tailrace.results.server_client import ClientSide
from tailrace.results.server_log import Head, ServerLog, parse_log, to_line
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


def test_the_whole_document() -> None:
    """Every line: looks that tell nothing new, a counter reset, a process and two GPUs."""

    def gpu(used: float | None, watts: float | None) -> dict[str, float | None]:
        return {"utilisation": used, "power_w": watts}

    def process(cpu_s: float, rss: float) -> dict[str, float]:
        return {"cpu_s": cpu_s, "rss_bytes": rss}

    log = log_of(
        look(9.5, running=1, waiting=2, cache=0.1, generated=5, process=process(1, 10)),
        look(12, running=2, waiting=0, cache=0.25, generated=7, process=process(2, 30)),
        look(13, gpus=[gpu(0.5, 100.0), gpu(None, 50.5)]),
        look(14, running=3, generated=3, gpus=[gpu(0.25, None), gpu(0.5, None)]),
        look(31, running=0, generated=4),
        look(31.1, running=9, generated=9),
    )
    assert over_time(log, TWO, client_of(log)) == {
        "timeline": {
            "at_s": [-0.5, 2.0, 3.0, 4.0, 21.0],
            "in_flight": [0.0, 1.0, 1.0, 1.0, 0.0],
            "running": [1.0, 2.0, 2.0, 3.0, 0.0],
            "waiting": [2.0, 0.0, 0.0, 0.0, 0.0],
            "cache_usage": [0.1, 0.25, 0.25, 0.25, 0.25],
            "tokens_per_s": [None, 0.8, 0.0, None, 0.059],
            "client_tokens_per_s": [None, 0.0, 1.0, 1.0, 0.118],
            "cpu": [None, 0.4, None, None, None],
            "rss_bytes": [10.0, 30.0, None, None, None],
            "gpu_utilisation": [None, None, 0.5, 0.375, None],
            "gpu_power_w": [None, None, 150.5, None, None],
        },
        "levels_at_s": [0.0, 11.0],
    }


def test_looks_up_to_a_second_around_a_level_count() -> None:
    moments = (8.99, 9.0, 20.5, 31.0, 31.01)
    log = log_of(*(look(at_s, running=1) for at_s in moments))
    assert over_time(log, TWO, client_of(log))["timeline"]["at_s"] == [-1.0, 10.5, 21.0]
    endless = [replace(stage(10, 20), ended_ns=None)]
    found = over_time(log_of(look(11, running=1), look(11.01, running=1)), endless, client_of(log))
    assert found["timeline"]["at_s"] == [1.0]


@pytest.mark.parametrize(
    ("interval_s", "later_s", "at_s", "rate"),
    [
        (1.0, 42.0, 32.0, 1.0),  # 30 s, which is no break
        (1.0, 42.1, 3.0, None),
        (4.0, 52.0, 42.0, None),  # ten of the usual is none, but too long for a rate
        (4.0, 52.1, 6.0, None),
    ],
)
def test_what_is_a_break(
    interval_s: float, later_s: float, at_s: float, rate: float | None
) -> None:
    first = Head(0, "http://h/metrics", interval_s)
    looks = [look(12, running=1, generated=0), look(later_s, running=1, generated=30)]
    log = parse_log([to_line(first), *map(to_line, looks)], "log")
    lines = over_time(log, [stage(10, 60)], ClientSide([each.at_ns for each in looks]))["timeline"]
    assert lines["at_s"] == [2.0, at_s]
    assert lines.get("tokens_per_s", [None, None])[1] == rate
