"""One look at each kind of server, in the names that all share."""

from __future__ import annotations

import pytest

from tailrace.results.server_names import (
    HISTOGRAMS,
    SOFTWARE,
    Buckets,
    Common,
    common_of,
    is_known,
    name_of,
)


def test_nothing_that_is_known() -> None:
    assert common_of({}) == Common(None, {}, {})
    assert common_of({"go_goroutines": 7.0, "running": 1.0}) == Common(None, {}, {})


@pytest.mark.parametrize("software", SOFTWARE)
def test_every_name_of_every_server(software: str) -> None:
    names = SOFTWARE[software]
    series = {
        f"{several[0]}{part}": float(place)
        for place, (common, several) in enumerate(names.items(), 1)
        for part in (("_count", "_sum") if common in HISTOGRAMS else ("",))
    }
    found = common_of(series)
    places = {common: float(place) for place, common in enumerate(names, 1)}
    assert found == Common(
        software,
        {common: place for common, place in places.items() if common not in HISTOGRAMS},
        {
            common: Buckets(places[common], places[common])
            for common in HISTOGRAMS
            if common in names
        },
    )
    assert all(is_known(name) and is_known(name.replace(":", "_") + '{a="b"}') for name in series)


def test_what_is_known() -> None:
    assert is_known("vllm:num_requests_running")
    assert is_known('vllm_time_to_first_token_seconds_bucket{le="1"}')
    assert not is_known("vllm:time_to_first_token_seconds")
    assert not is_known("vllm:num_requests_running_count")
    assert not is_known("running")
    assert (name_of('a{b="{"}'), name_of("a")) == ("a", "a")


def test_numbers_are_added_up_and_of_shares_the_highest_counts() -> None:
    found = common_of(
        {
            'vllm_num_requests_running{engine="0"}': 2.0,
            'vllm:num_requests_running{engine="1"}': 3.0,
            'vllm:kv_cache_usage_perc{engine="0"}': 0.25,
            'vllm:kv_cache_usage_perc{engine="1"}': 0.5,
            "vllm:gpu_cache_usage_perc": 0.75,
            "sglang:num_running_reqs": 9.0,
        }
    )
    assert found == Common("vLLM", {"running": 5.0, "cache_usage": 0.5}, {})


def test_the_older_name_counts_where_the_newer_is_not_there() -> None:
    found = common_of({"vllm:gpu_cache_usage_perc": 0.75})
    assert found.values == {"cache_usage": 0.75}
    old = "vllm:time_per_output_token_seconds"
    found = common_of({f"{old}_count": 2.0, f"{old}_sum": 0.5, "vllm:num_requests_running": 1.0})
    assert found.buckets == {"itl": Buckets(2.0, 0.5)}


def test_one_gauge_of_all_priorities() -> None:
    series = {"sglang:num_running_reqs": 4.0, 'sglang:num_running_reqs{priority="1"}': 3.0}
    assert common_of(series).values == {"running": 4.0}
    other = {'sglang:num_running_reqs{model="m",priority="2"}': 3.0}
    assert common_of(other) == Common(None, {}, {})
    empty = {'sglang:num_running_reqs{priority=""}': 3.0}
    assert common_of(empty).values == {"running": 3.0}


def test_buckets_of_several_engines() -> None:
    name = "vllm:time_to_first_token_seconds"
    found = common_of(
        {
            f'{name}_bucket{{engine="0",le="1.0"}}': 2.0,
            f'{name}_bucket{{le="0.5",engine="0"}}': 1.0,
            f'{name}_bucket{{engine="1",le="1.0"}}': 3.0,
            f'{name}_bucket{{engine="1",le="+Inf"}}': 4.0,
            f'{name}_bucket{{engine="1",file="7"}}': 9.0,
            f'{name}_count{{engine="0"}}': 2.0,
            f'{name}_count{{engine="1"}}': 4.0,
            f'{name}_sum{{engine="0"}}': 0.5,
            f'{name}_sum{{engine="1"}}': 0.25,
            "vllm:num_requests_running": 1.0,
        }
    )
    (buckets,) = found.buckets.values()
    assert buckets == Buckets(6.0, 0.75, {0.5: 1.0, 1.0: 5.0, float("inf"): 4.0})
    assert list(buckets.below) == [0.5, 1.0, float("inf")]


def test_a_histogram_of_which_a_part_is_missing() -> None:
    name = "vllm:time_to_first_token_seconds"
    assert common_of({f"{name}_sum": 2.0, "vllm:prompt_tokens_total": 1.0}).buckets == {}
    assert common_of({f"{name}_count": 2.0, "vllm:prompt_tokens_total": 1.0}).buckets == {
        "ttft": Buckets(2.0, 0)
    }


def test_most_names_decide_whose_they_are() -> None:
    two = {"sglang:token_usage": 0.5, "sglang:num_queue_reqs": 1.0}
    one = {"vllm:num_requests_running": 3.0}
    assert common_of(one | two).software == "SGLang"
    assert common_of(two | one).values == {"cache_usage": 0.5, "waiting": 1.0}
