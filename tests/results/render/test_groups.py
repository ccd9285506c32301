"""Group sheets: what a reader sees, and that no id can break the page."""

from __future__ import annotations

from typing import Any

from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder
from tailrace.results.render.groups import _row, group_sheets
from tailrace.results.render.table import Level, rows

from ..builders import row, run_folder


def levels(folder: RunFolder) -> list[Level]:
    facts, results, _ = folder.rebuild()
    assert isinstance(facts.models[0], ModelFacts)
    return rows(facts, results)


def made(tmp_path: Any, **more: Any) -> RunFolder:
    found = [row(n, 100 + n, prompt="ab"[n % 2], id=f"r{n}", **more) for n in range(20)]
    found.append(row(21, 900, prompt="a", id="odd", **more))
    return run_folder(tmp_path / "run", found)


def test_a_table_by_prompt(tmp_path: Any) -> None:
    (sheet,) = group_sheets(levels(made(tmp_path)))
    assert sheet.title == (
        "By prompt, 1 user (outliers: |x - median| > 3.5 * 1.4826 * MAD, from 5 requests on)"
    )
    assert [cells[:3] for cells in sheet.rows] == [("a", "11", "0"), ("b", "10", "0")]
    a, b = (dict(zip(sheet.columns, cells, strict=True)) for cells in sheet.rows)
    assert (a["outliers"], a["furthest off"]) == ("1", "odd (e2e), odd (ttft)")
    assert (b["outliers"], b["furthest off"]) == ("0", "none")
    assert (b["TTFT mean ms"], b["TTFT p95 ms"], b["tokens p95"]) == ("110", "~119", "4")


def test_a_table_by_model_beside_it(tmp_path: Any) -> None:
    sheets = group_sheets(levels(made(tmp_path, model="lora-a")))
    assert [sheet.columns[0] for sheet in sheets] == ["prompt", "model"]
    assert sheets[1].rows[0][:2] == ("lora-a", "21")


def test_a_row_word_for_word() -> None:
    group: dict[str, Any] = {
        "prompt": "p" * 100,
        "n": 1200,
        "not_ok": 3,
        "ttft": {"mean_ns": 5_000_000, "p95_ns": 9_000_000, "p95_certified": False},
        "e2e": {"mean_ns": 50_000_000, "p95_ns": 90_000_000, "p95_certified": True},
        "output_tokens": {"mean": 12.5, "p95": 20},
        "kept_of_every": 2,
        "outliers": {
            "requests": 4,
            "listed": [{"id": f"r{n}", "metric": "ttft"} for n in range(5)],
        },
    }
    whole, unnamed = _row("prompt", group), _row("prompt", group | {"prompt": ""})
    assert len(whole[0]) == 60
    assert whole[1:] == unnamed[1:]
    assert unnamed == (
        *("(empty)", "1200", "3", "5.00", "~9.00", "50.0", "90.0", "12.5", "20"),
        *("4 (1 in 2 looked at)", "r0 (ttft), r1 (ttft), r2 (ttft)"),
    )
    del group["kept_of_every"]
    assert _row("prompt", group)[9] == "4"


def test_an_id_is_only_text(tmp_path: Any) -> None:
    bad = "<script>|`x`\n# h"
    folder = run_folder(tmp_path / "run", [row(n, prompt=bad if n % 2 else "b") for n in range(8)])
    folder.rebuild()
    html = (folder.path / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in html[: html.index('<script type="application/json"')]
    assert "&lt;script&gt;" in html
    lines = (folder.path / "report.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if "script" in line]
    assert line.count("|") == 12
    assert "<" not in line
