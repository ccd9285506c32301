"""server.jsonl: what is written comes back, whatever changed between looks, and after a kill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.server_log import Head, Look, changes, parse_log, to_line

from .server_looks import S, log_of, look

NAMES = st.sampled_from(
    ["vllm:num_requests_running", "vllm:generation_tokens_total", "vllm:num_requests_waiting"]
)
SERIES = st.dictionaries(NAMES, st.floats(0, 1e12), min_size=1)


@given(st.lists(SERIES | st.none(), max_size=8))
def test_lines_of_changes_are_the_looks_again(looks: list[dict[str, float] | None]) -> None:
    lines, before = [to_line(Head(0))], dict[str, float]()
    for place, now in enumerate(looks):
        if now is None:
            lines.append(to_line(Look(place, miss="timed out")))
            continue
        changed, gone = changes(before, now)
        lines.append(to_line(Look(place, series=changed, gone=gone)))
        before = now
    log = parse_log(lines, "log")
    assert [seen.common is None for seen in log.seen] == [now is None for now in looks]
    for seen, now in zip(log.seen, looks, strict=True):
        if now is not None:
            assert seen.value("running") == now.get("vllm:num_requests_running")
            assert seen.value("generated_tokens") == now.get("vllm:generation_tokens_total")


def test_a_sitting_begins_with_everything() -> None:
    lines = [to_line(Head(0)), to_line(look(1, running=3, generated=5))]
    lines += [to_line(Head(2 * S)), to_line(look(3, running=4))]
    log = parse_log(lines, "log")
    assert [seen.value("generated_tokens") for seen in log.seen] == [5.0, None]
    assert len(log.heads) == 2
    assert log.software == "vLLM"


def test_half_a_line_is_counted_and_the_rest_is_read() -> None:
    whole = to_line(look(1, running=3))
    lines = [to_line(Head(0)), whole, whole[:20] + b"\n", to_line(Head(0)), to_line(look(9))]
    log = parse_log(lines, "log")
    assert (log.torn_lines, len(log.seen)) == (1, 2)


def test_a_line_of_another_kind_is_named() -> None:
    with pytest.raises(ResultError, match=r"^log line 2 is not a line of a server log: .*at_ns"):
        parse_log([to_line(Head(0)), b'{"kind":"look","at_ns":"now"}\n'], "log")


def test_a_look_stood_so_half_way_through_its_scrape() -> None:
    (seen,) = log_of(look(1, running=1, took_ns=500)).seen
    assert seen.at_ns == S + 250
