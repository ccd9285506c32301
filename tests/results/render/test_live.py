import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from tailrace.results.audit import Finding
from tailrace.results.render.live import Snapshot, bar, log_line, panel, sparkline

NOW = Snapshot(
    model="meta-llama/Llama-3.1-8B-Instruct",
    model_index=0,
    models=2,
    stage_index=2,
    stages=4,
    load="4 users",
    phase="measure",
    elapsed_s=12.34,
    planned_s=30.0,
    done_requests=123,
    planned_requests=None,
    in_flight=4,
    requests_per_s=4.1,
    tokens_per_s=512.3,
    ttft_p50_ns=123_000_000,
    ttft_p99_ns=234_000_000,
    icl_p50_ns=20_100_000,
    icl_p99_ns=22_400_000,
    ok=123,
    failed=1,
)
STARTS = Finding("starts", "on time", "ok", "")
CPU = Finding("client CPU", "81 %", "warn", "")
LOOP = Finding("event loop", "late", "bad", "")
EARLIER = [
    replace(NOW, tokens_per_s=100.0 * step, ttft_recent_ns=(step % 2 + 1) * 100_000_000)
    for step in range(5)
]
EMPTY = replace(
    NOW,
    phase="warmup",
    planned_s=None,
    requests_per_s=None,
    tokens_per_s=None,
    ttft_p50_ns=None,
    ttft_p99_ns=None,
    icl_p50_ns=None,
    icl_p99_ns=None,
)


def shown(snapshot, history=(), width=80, file=None):
    console = Console(width=width, file=file or io.StringIO())
    console.print(panel(snapshot, history))
    return console.file.getvalue()


def test_panel_reads_as_written():
    assert shown(NOW, EARLIER) == (
        "model    meta-llama/Llama-3.1-8B-Instruct  (1 of 2)\n"
        "level    4 users  (3 of 4)\n"
        "measure  ████████████░░░░░░░░░░░░░░░░░░  41 %  12.3/30 s\n"
        "requests 123 ok  1 failed  4 in flight  4.10 /s\n"
        "tokens   512 /s  ▁▂▄▅▆█\n"
        "TTFT ms  p50 123  p99 234  ▅█▅█▅\n"
        "gap ms   p50 20.1  p99 22.4\n"
    )


def test_panel_tells_the_plan_the_errors_and_the_last_seconds():
    errors = (("reset", 7), ("http_503", 2), ("a b", 1), ("d", 1), ("e", 1), ("f", 2))
    now = replace(NOW, plan=("1", "2", "4", "8"), errors=errors, icl_recent_ns=30_000_000)
    text = shown(now)
    assert "level    4 users  (3 of 4)   1 2 [4] 8\n" in text
    assert 'failed   reset 7  http_503 2  "a b" 1  d 1  others 3\n' in text
    assert "gap ms   p50 20.1  p99 22.4  █ 30.0\n" in text
    many = replace(now, plan=tuple(str(n) for n in range(40)), stage_index=20)
    assert "… 16 17 18 19 [20] 21 22 23 24 25 …\n" in shown(many)
    assert log_line(now).endswith(' errors=reset:7,http_503:2,"a b":1,d:1,others:3')


@pytest.mark.parametrize("width", [10, 40, 80, 200])
@pytest.mark.parametrize("snapshot", [NOW, EMPTY, replace(NOW, model="x" * 500)])
def test_panel_is_compact_at_any_width(snapshot, width):
    lines = shown(snapshot, EARLIER * 40, width).splitlines()
    assert len(lines) <= 8
    assert all(cell_len(line) <= width for line in lines)


def test_panel_without_figures_yet():
    text = shown(EMPTY)
    assert "warmup   12.3 s" in text
    assert "p50 n/a" in text


def test_panel_in_ascii():
    class Latin(io.StringIO):
        encoding = "latin-1"

    text = shown(NOW, EARLIER, file=Latin())
    assert text.isascii()
    assert "############......" in text


@pytest.mark.parametrize(
    ("client", "line", "word"),
    [
        ((STARTS,), "● 1 of 1 checks ok", "ok"),
        (
            (STARTS, CPU, LOOP),
            "● 1 of 3 checks ok  BAD event loop: late  WARN client CPU: 81 %",
            "bad:event-loop,warn:client-CPU",
        ),
    ],
)
def test_what_the_audit_finds_of_the_client(client, line, word):
    now = replace(NOW, client=client)
    assert shown(now).splitlines()[-1] == f"client   {line}"
    assert log_line(now).endswith(f" client={word}")


def test_panel_takes_texts_as_they_are():
    text = shown(replace(NOW, model="[red]m[/]\x1b[31m\n:smile:"))
    assert "model    [red]m[/] :smile:  (1 of 2)\n" in text


def test_log_line():
    assert log_line(NOW) == (
        "model=meta-llama/Llama-3.1-8B-Instruct model_no=1/2 load=4 level=3/4 phase=measure "
        "elapsed_s=12.3/30 requests=123 ok=123 failed=1 in_flight=4 req/s=4.10 tok/s=512 "
        "ttft_p50_ms=123 ttft_p99_ms=234 icl_p50_ms=20.1 icl_p99_ms=22.4"
    )
    by_count = replace(NOW, model="a b=c\n", planned_s=None, planned_requests=200)
    assert log_line(by_count).startswith('model="a b=c" model_no=1/2')
    assert "elapsed_s=12.3 requests=123/200 " in log_line(by_count)
    assert " load=1 " in log_line(replace(NOW, load="1 user"))
    assert " load=5..50/s " in log_line(replace(NOW, load="5..50/s"))


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 12.34 / 30),
        ({"planned_requests": 246}, 0.5),
        ({"planned_requests": 100}, 1.0),
        ({"elapsed_s": 40.0}, 1.0),
        ({"planned_s": None}, None),
    ],
)
def test_share_of_the_phase(changes, share):
    assert replace(NOW, **changes).done_share == share


def test_bar_and_curve():
    assert bar(None) == ""
    assert bar(1.0) == "█" * 30 + "  100 %  "
    assert sparkline([]) == sparkline([0.0]) == sparkline([None]) == ""
    assert sparkline([1.0, None, 2.0]) == "▅ █"
    assert len(sparkline([1.0] * 400)) == 40
