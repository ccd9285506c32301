"""A level as its server saw it: which looks count, and what is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.facts import Books, StageFacts
from tailrace.results.server_client import Totals
from tailrace.results.server_log import ServerLog
from tailrace.results.server_stage import around, cpu_shares, quantile_ns, stage_server

from .server_looks import S, log_of, look

INFINITE = float("inf")
TTFT = "vllm:time_to_first_token_seconds"


def stage(began_s: float, ended_s: float, index: int = 0) -> StageFacts:
    """A level with a second of warm-up and a second of drain."""
    return StageFacts(
        *(index, 2, 1.0, ended_s - began_s - 2, None, round(began_s * S), Books()),
        measure_from_ns=round((began_s + 1) * S),
        measure_until_ns=round((ended_s - 1) * S),
        ended_ns=round(ended_s * S),
    )


TWO = [stage(10, 20), stage(21, 30, 1)]


@pytest.mark.parametrize(
    ("looks_s", "place", "expected"),
    [
        ((9.0, 9.5, 15.0, 20.1, 20.9), 0, (9.5, 20.1)),
        ((9.5, 15.0, 20.1, 20.9, 30.2), 1, (20.9, 30.2)),
        ((15.0, 20.1), 0, (None, 20.1)),
        ((9.5, 15.0), 0, (9.5, None)),
        ((9.5, 22.0), 0, (9.5, None)),  # within the next level
        ((15.0, 25.0, 31.0), 1, (None, 31.0)),
    ],
)
def test_the_looks_on_either_side_of_a_level(
    looks_s: tuple[float, ...], place: int, expected: tuple[float | None, ...]
) -> None:
    log = log_of(*(look(at_s, running=1) for at_s in looks_s))
    found = tuple(None if s is None else s.look.at_ns / S for s in around(log, TWO, place))
    assert found == expected


def test_a_look_that_lasts_into_the_level_is_not_before_it() -> None:
    log = log_of(look(9.0, running=1), look(9.9, running=1, took_ns=S))
    before = around(log, TWO, 0).before
    assert before is not None
    assert before.look.at_ns == 9 * S


def test_a_level_that_has_not_ended_has_no_sides() -> None:
    open_one = stage(10, 20)
    open_one.ended_ns = None
    assert around(log_of(look(9, running=1)), [open_one], 0) == (None, None)


def busy() -> ServerLog:
    return log_of(
        look(9.9, running=0, waiting=0, generated=100, prompt=10, cpu_ns=0),
        look(10.5, running=9, waiting=9, generated=150, cpu_ns=10_000_000),  # warm-up
        look(12, running=2, waiting=1, cache=0.5, generated=200, took_ns=4_000_000, bytes=900),
        look(14, running=4, waiting=0, cache=0.25, generated=300, took_ns=2_000_000, bytes=700),
        look(16, miss="timed out", took_ns=S),
        look(18, running=3, generated=500, cpu_ns=90_000_000, left_out=7),
        look(20.1, running=0, generated=620, prompt=50),
    )


def test_gauges_are_of_the_window_and_counters_of_the_level() -> None:
    found = stage_server(busy(), TWO, 0, Totals(output_tokens=520, input_tokens=40))
    assert found["running"] == {"mean": 3.0, "max": 4.0}
    assert found["waiting"] == {"mean": pytest.approx(1 / 3, abs=1e-6), "max": 1.0}
    assert found["cache_usage"]["max"] == 0.5
    assert (found["generated_tokens"], found["prompt_tokens"]) == (520.0, 40.0)
    assert (found["client_output_tokens"], found["client_input_tokens"]) == (520, 40)
    assert found["tokens_per_s"] == pytest.approx(50, rel=1e-3)  # 300 tokens from 12 s to 18 s
    assert (found["looks"], found["missed"]) == (5, 1)
    assert found["preemptions"] is found["ttft"] is found["process"] is None
    assert found["gpus"] == []


def test_what_the_looking_took() -> None:
    cost = stage_server(busy(), TWO, 0, Totals())["cost"]
    assert cost["scrape_max_ns"] == S
    assert (cost["bytes_max"], cost["series_left_out"]) == (900, 7)
    assert cost["cpu_s"] == 0.08
    assert cost["cpu"] == pytest.approx(0.08 / 7.5, abs=1e-6)


def test_a_counter_that_began_anew_says_nothing() -> None:
    log = log_of(look(9.9, generated=100), look(15, generated=3), look(20.1, generated=5))
    found = stage_server(log, TWO, 0, Totals())
    assert found["generated_tokens"] is None
    assert found["tokens_per_s"] is None


def test_a_level_without_a_look() -> None:
    found = stage_server(log_of(), TWO, 0, Totals())
    assert (found["looks"], found["cost"], found["running"]) == (0, None, None)


def test_the_servers_histogram_is_that_of_the_level() -> None:
    def series(count: float, total: float, fast: float) -> dict[str, float]:
        return {
            f"{TTFT}_count": count,
            f"{TTFT}_sum": total,
            f'{TTFT}_bucket{{le="0.1"}}': fast,
            f'{TTFT}_bucket{{le="0.2"}}': count,
            f'{TTFT}_bucket{{le="+Inf"}}': count,
        }

    log = log_of(
        look(9.9, running=0, series=series(100, 50.0, 0)),
        look(20.1, running=0, series=series(110, 51.5, 5)),
    )
    ttft = stage_server(log, TWO, 0, Totals())["ttft"]
    assert (ttft["n"], ttft["mean_ns"]) == (10, 150_000_000)
    assert ttft["p50_ns"] == 100_000_000
    assert ttft["p99_ns"] == 198_000_000


@pytest.mark.parametrize(
    ("below", "part", "expected_s"),
    [
        ({}, 0.5, None),
        ({0.1: 0.0, INFINITE: 0.0}, 0.5, None),
        ({0.1: 10.0, INFINITE: 10.0}, 0.5, 0.05),
        ({0.1: 5.0, 0.3: 10.0, INFINITE: 10.0}, 0.75, 0.2),
        ({0.1: 5.0, INFINITE: 10.0}, 0.99, 0.1),  # somewhere beyond the last bound
        ({0.1: 0.0, 0.2: 4.0, INFINITE: 4.0}, 1.0, 0.2),
    ],
)
def test_quantiles(below: dict[float, float], part: float, expected_s: float | None) -> None:
    found = quantile_ns(below, part)
    assert found == (None if expected_s is None else round(expected_s * 1e9))


def used(cpu_s: float, rss: float = 1e6) -> dict[str, float]:
    return {"rss_bytes": rss, "cpu_s": cpu_s, "threads": 3, "processes": 2}


def test_cpu_memory_and_threads_of_the_process() -> None:
    log = log_of(
        look(12, process=used(5.0)),
        look(14, process=used(6.0, rss=9e6)),
        look(14.05, process=used(6.2)),  # too close: hundredths of a second of CPU
        look(16, process=used(9.0)),
    )
    found = stage_server(log, TWO, 0, Totals())["process"]
    assert found["cpu_mean"] == 1.0
    assert found["cpu_max"] == pytest.approx(2.8 / 1.95, abs=1e-6)
    assert (found["rss_max_bytes"], found["threads_max"], found["processes_max"]) == (9e6, 3, 2)
    assert len(cpu_shares(log.seen)) == 2


def test_gpus_one_by_one_and_what_they_do_not_tell() -> None:
    def sample(used: float | None, watts: float) -> dict[str, float | None]:
        return {"memory_bytes": 5e9, "utilisation": used, "power_w": watts, "temperature_c": 60.0}

    log = log_of(
        look(12, gpus=[sample(0.5, 100.0), sample(None, 10.0)]),
        look(14, gpus=[sample(1.0, 300.0), sample(None, 20.0)]),
        gpus=[{"name": "A", "memory_bytes": 8e9}, {"name": "B", "memory_bytes": None}],
    )
    first, second = stage_server(log, TWO, 0, Totals())["gpus"]
    assert (first["name"], first["utilisation_mean"], first["power_mean_w"]) == ("A", 0.75, 200.0)
    assert (first["power_max_w"], first["memory_max_bytes"]) == (300.0, 5e9)
    assert (second["utilisation_mean"], second["memory_bytes"]) == (None, None)


def test_the_whole_document_of_a_level() -> None:
    """A process and two GPUs; looks at the edges of the window, and those that know less."""

    def process(cpu_s: float, rss: int, threads: int, processes: int) -> dict[str, float]:
        return {"cpu_s": cpu_s, "rss_bytes": rss, "threads": threads, "processes": processes}

    def gpu(
        memory: float | None, used: float | None, watts: float | None, hot: float | None
    ) -> Any:
        names = ("memory_bytes", "utilisation", "power_w", "temperature_c")
        return dict(zip(names, (memory, used, watts, hot), strict=True))

    devices = [{"name": "A", "memory_bytes": 80.0}, {"name": "B"}, {"name": "C"}]
    log = log_of(
        look(9.9, running=0, generated=100, prompt=7, cpu_ns=5_000),
        look(11, running=3, process=process(1.0, 50, 9, 2), took_ns=3_000, bytes=10),
        look(
            *(12,),
            running=1,
            process=process(1.25, 90, 4, 3),
            gpus=[gpu(40, 0.25, 100.0005, 60), gpu(None, None, None, None)],
            **{"took_ns": 1_000, "bytes": 30, "left_out": 2},
        ),
        look(
            *(12.0001,),
            process=process(1.3, 70, 5, 1),
            gpus=[gpu(30, 0.5, 200.0, 70)],
            **{"took_ns": 2_000, "bytes": 20, "cpu_ns": 7_000},
        ),
        look(19, running=2, process=process(1.2, 60, 5, 1), cpu_ns=4_000_008_000),
        look(20.1, running=0, generated=150, prompt=9),
        gpus=devices,
    )
    found = stage_server(log, TWO, 0, Totals(output_tokens=4, input_tokens=5))
    nothing = dict.fromkeys(("waiting", "cache_usage", "busy_slots", "preemptions", "ttft", "itl"))
    assert found == {
        **{"looks": 4, "missed": 0, "running": {"mean": 1.666667, "max": 3.0}},
        **{"prompt_tokens": 2.0, "generated_tokens": 50.0},
        **{"client_output_tokens": 4, "client_input_tokens": 5},
        **{"tokens_per_s": 0.0, "tokens_at_end": False},
        **nothing,
        "process": {
            **{"cpu_mean": 0.29997, "cpu_max": 0.25, "rss_max_bytes": 90},
            **{"threads_max": 9, "processes_max": 3},
        },
        "gpus": [
            {
                **{"name": "A", "memory_bytes": 80.0, "memory_max_bytes": 40},
                **{"utilisation_mean": 0.375, "power_mean_w": 150.0, "power_max_w": 200.0},
                "temperature_max_c": 70,
            },
            *(
                {
                    **{"name": name, "memory_bytes": None, "memory_max_bytes": None},
                    **{"utilisation_mean": None, "power_mean_w": None, "power_max_w": None},
                    "temperature_max_c": None,
                }
                for name in "BC"
            ),
        ],
        "cost": {
            **{"scrape_p50_ns": 2_000, "scrape_max_ns": 3_000, "bytes_max": 30},
            **{"series_left_out": 2, "cpu_s": 4.000008, "cpu": 0.500001},
        },
    }


@pytest.mark.parametrize(
    ("cpu_s", "mean", "most"),
    [
        ([(11, 1.0)], None, None),
        ([(11, 1.0), (11.0001, 2.0)], None, None),
        ([(11, 1.0), (12, 3.0)], 2.0, 2.0),
        ([(11, 3.0), (12, 1.0), (13, 4.0)], 0.5, 3.0),
        ([(11, 3.0), (12, 1.0)], 0.0, 0.0),
        ([(11, 0.0), (14, 1.0)], 0.333333, 0.333333),
    ],
)
def test_the_cpu_of_a_process(
    cpu_s: list[tuple[float, float]], mean: float | None, most: float | None
) -> None:
    rest = {"rss_bytes": 1, "threads": 1, "processes": 1}
    log = log_of(*(look(at, process={"cpu_s": used, **rest}) for at, used in cpu_s))
    found = stage_server(log, TWO, 0, Totals())["process"]
    assert (found["cpu_mean"], found["cpu_max"]) == (mean, most)


@pytest.mark.parametrize(
    ("looks", "rate"),
    [
        ([(11, 0)], None),
        ([(11, 5), (12, 4)], None),
        ([(11, 5), (14, 15)], 3.3333),
        ([(10.9, 0), (11, 5), (18, 15), (19, 99)], 1.4286),
    ],
)
def test_the_rate_of_a_window(looks: list[tuple[float, int]], rate: float | None) -> None:
    log = log_of(*(look(at, generated=number) for at, number in looks))
    assert stage_server(log, TWO, 0, Totals())["tokens_per_s"] == rate


def test_a_histogram_that_is_not_there_on_one_side() -> None:
    def series(count: float) -> dict[str, float]:
        return {f"{TTFT}_count": count, f"{TTFT}_sum": count * 0.25}

    alone = log_of(look(9.9, running=0), look(20.1, running=0, series=series(4)))
    found = stage_server(alone, TWO, 0, Totals())["ttft"]
    assert found == {"n": 4, "mean_ns": 250_000_000, "p50_ns": None, "p99_ns": None}
    same = log_of(look(9.9, running=0, series=series(4)), look(20.1, running=0))
    assert stage_server(same, TWO, 0, Totals())["ttft"] is None
