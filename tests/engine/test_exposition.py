"""Prometheus text as series, and in common names: answers of four servers, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.engine.exposition import LONGEST_SERIES, MOST_SERIES, looks_like_metrics, series_of
from tailrace.results.server_names import Buckets, common_of

FOLDER = Path(__file__).with_name("expositions")
INFINITE = float("inf")

SERVERS = {
    "vllm": (
        "vLLM",
        {
            **{"running": 22.0, "waiting": 3.0, "cache_usage": 0.41, "preemptions": 2.0},
            **{"prompt_tokens": 2e6, "generated_tokens": 1e5},
        },
        {
            "ttft": Buckets(100.0, 8.0, {0.05: 10.0, 0.1: 90.0, INFINITE: 100.0}),
            "itl": Buckets(1000.0, 12.0, {0.01: 500.0, 0.025: 1000.0, INFINITE: 1000.0}),
        },
    ),
    "sglang": (
        "SGLang",
        {
            **{"running": 7.0, "waiting": 4.0, "cache_usage": 0.28},
            **{"prompt_tokens": 8128902.0, "generated_tokens": 7557572.0},
        },
        {"ttft": Buckets(10.0, 2.0, {0.1: 4.0, 0.5: 10.0, INFINITE: 10.0})},
    ),
    "llamacpp": (
        "llama.cpp",
        {
            **{"running": 3.0, "waiting": 2.0, "busy_slots": 1.5},
            **{"prompt_tokens": 21.0, "generated_tokens": 20.0},
        },
        {},
    ),
    "tgi": (
        "TGI",
        {"running": 6.0, "waiting": 9.0, "prompt_tokens": 5700.0, "generated_tokens": 3648.0},
        {},
    ),
}


def text_of(server: str) -> str:
    return (FOLDER / f"{server}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("server", SERVERS)
def test_each_server_in_common_names(server: str) -> None:
    software, values, buckets = SERVERS[server]
    found = common_of(series_of(text_of(server)).values)
    assert found.software == software
    assert found.values == values
    assert found.buckets == buckets


def test_names_whose_colon_became_an_underscore() -> None:
    found = common_of(series_of(text_of("vllm").replace("vllm:", "vllm_")).values)
    assert (found.software, found.values["running"]) == ("vLLM", 22.0)


def test_an_older_name_counts_where_the_newer_is_not_there() -> None:
    text = text_of("vllm").replace("vllm:kv_cache_usage_perc", "vllm:other")
    assert common_of(series_of(text).values).values["cache_usage"] == 0.99


def test_unknown_names_are_kept_and_mean_nothing_in_common() -> None:
    found = series_of('room_temperature_celsius{room="a \\"b\\""} 21.5\n')
    assert found.values == {'room_temperature_celsius{room="a \\"b\\""}': 21.5}
    assert common_of(found.values).software is None


def test_marks_in_labels_are_escaped() -> None:
    line = 'a{b="1\\\\2",c="3\\n4"}'
    assert series_of(f"{line} 1\n").values == {line: 1.0}


def test_what_is_left_out_is_counted() -> None:
    found = series_of(text_of("vllm"))
    assert found.left_out == 2  # the buckets of a histogram that nothing is made of
    assert 'python_gc_objects_collected_total{generation="0"}' in found.values
    found = series_of(text_of("sglang"))
    assert found.left_out == 1  # not a number
    long = "x" * LONGEST_SERIES
    assert series_of(f'a 1\nb{{c="{long}"}} 2\n') == ({"a": 1.0}, 1)
    assert series_of(f"a NaN\nb NaN\n{long} 3\n") == ({long: 3.0}, 2)


def test_known_names_are_kept_first() -> None:
    others = "".join(f"other_{number} 1\n" for number in range(MOST_SERIES + 5))
    found = series_of(others + text_of("llamacpp"))
    assert len(found.values) == MOST_SERIES
    assert common_of(found.values).values["generated_tokens"] == 20.0
    assert found.left_out > 5


@pytest.mark.parametrize("text", ["", "# only a comment\n", "<html>hello</html>", "a b c\n"])
def test_what_is_no_exposition(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        series_of(text)
    assert not looks_like_metrics("text/plain", text)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("text/plain; version=0.0.4", "a 1\n", True),
        ("application/openmetrics-text; version=1.0.0", 'a{b="c"} 1.5e3\n', True),
        ("", "# HELP a b\na NaN\n", True),
        ("text/html", "a 1\n", False),
        ("application/json", '{"a": 1}', False),
        ("text/plain", "all is well\n", False),
    ],
)
def test_whether_an_answer_is_metrics(kind: str, text: str, expected: bool) -> None:
    assert looks_like_metrics(kind, text) is expected
