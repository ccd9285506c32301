"""The server's view as sheets, as the terminal's line, and as charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tailrace.results.render.server import server_about, server_lines, server_sheets
from tailrace.results.render.server_charts import level_starts, server_charts
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.table import Level, rows
from tailrace.results.server_log import Head, Look, to_line

from ..builders import S, row, run_folder
from ..server_looks import look

ROWS = [row(sent_ms=1000 * n, token_source="usage") for n in range(1, 9)]
PROCESS = {"rss_bytes": 5e6, "cpu_s": 1.0, "threads": 2, "processes": 3}


def seen(path: Path, head: Head, *looks: Look) -> tuple[list[Level], dict[str, Any]]:
    folder = run_folder(path, ROWS)
    lines = map(to_line, (head, *looks))
    (folder.path / "m" / "server.jsonl").write_bytes(b"".join(lines))
    facts, results, _ = folder.rebuild()
    return rows(facts, results), results[0]


def test_metrics_and_process_in_a_line_and_in_sheets(tmp_path: Path) -> None:
    looks = [
        look(n, running=2, waiting=n % 2, cache=0.5, generated=4 * n, process=PROCESS)
        for n in range(8)
    ]
    levels, result = seen(tmp_path, Head(0, "http://h/metrics", 1.0, pid=7, pid_by="x"), *looks)
    (line,) = server_lines(levels)
    assert line == (
        "1 user: running 2.00 (max 2), waiting 0.50 (max 1), KV cache max 50.0 %, 4.00 tok/s "
        f"(client {levels[0].tokens_per_s:.2f}), CPU 0 cores, RSS 5.00 MB"
    )
    metrics, process, gpus = server_sheets(levels)
    shown = dict(zip(metrics.columns, metrics.rows[0], strict=True))
    assert (shown["running mean"], shown["waiting max"]) == ("2.00", "1.00")
    assert (shown["looks"], shown["KV cache max"]) == ("8 of 8", "50.0 %")
    assert "TTFT p50 ms" not in shown
    assert "preemptions" not in shown
    assert process.rows[0][-3:] == ("5.00", "2", "3")
    assert gpus.rows == ()
    assert server_about(result) == (
        "metrics of vLLM at http://h/metrics, every 1 s; process 7 (x), children included; "
        "aligned by perf_counter"
    )


def test_only_a_process_is_watched(tmp_path: Path) -> None:
    looks = [Look(n * S, process=PROCESS | {"cpu_s": n / 2}) for n in range(8)]
    levels, result = seen(tmp_path, Head(0, None, 1.0, pid=7, pid_by="x"), *looks)
    assert server_lines(levels) == ["1 user: CPU 0.500 cores, RSS 5.00 MB"]
    assert (server_about(result) or "").startswith("process 7 (x)")
    assert [each.title for each in server_charts(levels, result, "m")] == [
        "CPU of the server's process",
        "Memory of the server's process",
    ]


def test_gpus_have_a_row_each(tmp_path: Path) -> None:
    gpu = {"memory_bytes": 4e9, "utilisation": 0.5, "power_w": 150.0, "temperature_c": 61.0}
    silent = dict.fromkeys(gpu)
    looks = [Look(n * S, gpus=[gpu, silent]) for n in range(8)]
    about = [{"name": "Big|One", "memory_bytes": 8e9}, {"name": "Old", "memory_bytes": None}]
    levels, result = seen(tmp_path, Head(0, gpus=about), *looks)
    sheet: Sheet = server_sheets(levels)[2]
    assert [cells[1] for cells in sheet.rows] == ["0: Big|One", "1: Old"]
    assert sheet.rows[0][2:] == ("4000", "8000", "50.0 %", "150", "150", "61.0")
    assert set(sheet.rows[1][2:]) == {"n/a"}
    assert "GPU 50.0 % 150 W" in server_lines(levels)[0]
    assert len(server_charts(levels, result, "m")) == 2


def test_a_run_that_nobody_watched(tmp_path: Path) -> None:
    facts, (result,), _ = run_folder(tmp_path, ROWS).rebuild()
    levels = rows(facts, [result])
    assert server_lines(levels) == []
    assert [sheet.rows for sheet in server_sheets(levels)] == [(), (), ()]
    assert server_about(result) is None
    assert server_charts(levels, result, "m") == []


def test_charts_are_on_one_axis_of_seconds(tmp_path: Path) -> None:
    looks = [look(n, running=2, waiting=0, generated=4 * n) for n in range(8)]
    levels, result = seen(tmp_path, Head(0, "u", 1.0), *looks)
    requests, tokens = server_charts(levels, result, "m")
    assert [chart.title for chart in (requests, tokens)] == [
        "Requests: run, wait at the server; in flight here",
        "Output tokens per second, there and here",
    ]
    assert [trace["name"] for trace in requests.traces] == ["run", "wait", "here"]
    for chart in (requests, tokens):
        assert chart.traces[0]["x"] == result["server"]["timeline"]["at_s"]
        assert chart.layout["xaxis"]["title"]["text"].startswith("seconds")
        assert chart.marks == [(0.0, "1 user")]
        assert len(chart.columns) == 1 + len(chart.traces)
    assert requests.traces[0]["y"] == result["server"]["timeline"]["running"]
    assert level_starts(result, levels) == "Levels begin: 1 user at 0 s."
