"""The folder of a run: names, atomic writes, and derived files that can be made again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailrace.errors import ResultError, UsageError
from tailrace.results.atomic import atomic, write_atomic
from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder, safe_name, unique_names
from tailrace.results.journal import JournalReader

from .builders import S, facts, row, run_folder, stage, waited

many = settings(max_examples=300, deadline=None)

RESERVED = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(10)}
OWN = ("run.json", "summary.csv", "report.md", "report.html")

ROWS = [
    row(0, 500, phase="cold", stage=-1, id="c"),
    row(100, 90, phase="warmup"),
    *(row(1_000 + 100 * k, 100 + k, (10, 20, 30), id=f"r{k}") for k in range(30)),
    waited("timeout", 5_000),
    row(7_000, None, outcome="error", error_class="http_500", error="HTTP 500: no"),
]

names = st.one_of(
    st.text(max_size=100),
    st.text(st.sampled_from("aA./\\:-_ \0cCoOnNuUlL1"), max_size=12),
    st.builds(
        lambda name, dot, rest: name + dot + rest,
        st.sampled_from([*sorted(RESERVED), "CON", "Nul", "..", "../..", "C:\\x"]),
        st.sampled_from(("", ".", " ", "/")),
        st.text("ab", max_size=3) | st.just("x" * 90),
    ),
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("qwen2.5:0.5b", "qwen2.5-0.5b"),
        ("meta-llama/Llama-3.1-8B", "meta-llama-Llama-3.1-8B"),
        ("a b", "a-b"),
        ("", "model"),
        ("...", "model"),
        ("//", "model"),
        ("\u4e2d\u6587", "model"),
        ("..", "model"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("C:\\x", "C-x"),
        ("m:stream", "m-stream"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1", "_com1"),
        ("console", "console"),
        ("x" * 200, "x" * 80),
        ("x" * 79 + ".y", "x" * 79),
        ("a\n\0b", "a-b"),
    ],
)
def test_safe_names(text: str, name: str) -> None:
    assert safe_name(text) == name


@many
@given(names)
@example("con." + "a" * 76)
def test_a_safe_name_is_safe(text: str) -> None:
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name)
    assert not name.endswith((".", "-"))
    assert name.split(".")[0].lower() not in RESERVED
    assert len(name.encode()) <= 100
    assert safe_name(name) == name


@many
@given(st.lists(names | st.sampled_from(("a", "A", "a-2", "con", "_con")), max_size=6).map(tuple))
@example(("a" * 80, "a" * 80))
def test_unique_names_are_safe_and_differ_in_any_case(texts: tuple[str, ...]) -> None:
    found = unique_names(texts)
    assert len(found) == len(texts)
    assert len({name.lower() for name in found}) == len(texts)
    assert [safe_name(name) for name in found] == found, "rebuild takes no other folder"


def test_unique_names_keep_what_is_unique() -> None:
    assert unique_names(("b", "a", "b", "B", "b-2")) == ["b", "a", "b-2", "B-3", "b-2-2"]


@pytest.mark.parametrize("own", OWN)
def test_a_model_cannot_take_the_name_of_a_file_of_the_run(own: str, tmp_path: Path) -> None:
    (folder,) = unique_names((own,))
    made = run_folder(tmp_path / "run", ROWS, folder)
    made.rebuild()
    assert all((made.path / name).is_file() for name in OWN)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for data in (b"one", b"two", b""):
        write_atomic(path, data)
        assert path.read_bytes() == data
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


def half_write(path: Path, fault: type[BaseException]) -> None:
    with atomic(path) as file:
        file.write(b"new")
        raise fault


@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_no_part(
    tmp_path: Path, fault: type[BaseException]
) -> None:
    path = tmp_path / "x.json"
    write_atomic(path, b"old")
    with pytest.raises(fault):
        half_write(path, fault)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_atomic(path, b"old")
    with atomic(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_folder_is_named_by_time_and_name(tmp_path: Path) -> None:
    parent = tmp_path / "deep" / "runs"
    made = [RunFolder.create(parent, "2026", "a/b:1").path for _ in range(3)]
    assert [path.name for path in made] == ["2026-a-b-1", "2026-a-b-1-2", "2026-a-b-1-3"]
    assert all(path.is_dir() and path.parent == parent for path in made)


@pytest.mark.parametrize("below", ["", "runs", "runs/deep"])
def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    parent = tmp_path / "file" / below
    with pytest.raises(UsageError, match="--out") as caught:
        RunFolder.create(parent, "2026", "n")
    assert str(parent) in str(caught.value)


def test_a_line_is_out_when_append_returns(tmp_path: Path) -> None:
    journal = RunFolder(tmp_path).open_journal("m")
    journal.append(b"one\n")
    assert (tmp_path / "m" / "requests.jsonl").read_bytes() == b"one\n"
    again = RunFolder(tmp_path).open_journal("m")
    again.append(b"two\n")
    again.close()
    journal.close()
    assert (tmp_path / "m" / "requests.jsonl").read_bytes() == b"one\ntwo\n"


def test_the_journal_reads_back(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS)
    reader = JournalReader(folder.path / "m" / "requests.jsonl")
    assert [one.to_json() for one in reader] == [one.to_json() for one in ROWS]
    assert reader.torn_lines == 0


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list(JournalReader(tmp_path / "requests.jsonl")) == []


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"{}\n", b'{"id":"a"\n', b"\0\0\0\n"])
def test_a_whole_line_that_is_no_row_is_refused_by_number(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(ROWS[0].to_json() + line + ROWS[1].to_json())
    with pytest.raises(ResultError, match=r"requests\.jsonl' line 2"):
        list(JournalReader(path))


WRONG: dict[str, Any] = {
    "stage": "0",
    "intended_ns": None,
    "sent_ns": "soon",
    "gaps_ns": None,
    "ended_ns": [],
    "output_tokens": "7",
    "finish_reason": {"type": "stop"},
    "first_output_ns": -(10**12),
}


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_line_with_a_value_that_cannot_be_is_refused_by_name(
    tmp_path: Path, name: str, value: object
) -> None:
    folder = run_folder(tmp_path, ROWS)
    line = orjson.dumps(orjson.loads(row(1_000).to_json()) | {name: value}) + b"\n"
    journal = folder.open_journal("m")
    journal.append(line)
    journal.close()
    with pytest.raises(ResultError, match=r"requests\.jsonl"):
        folder.rebuild()


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {
        path.relative_to(folder.path).as_posix(): path.read_bytes()
        for path in sorted(folder.path.rglob("*"))
        if path.is_file()
    }


def test_rebuild_makes_every_file_and_the_same_again(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS)
    raw = contents(folder)
    made_facts, results, verdict = folder.rebuild()
    first = contents(folder)
    assert set(first) == {*OWN, "m/requests.jsonl", "m/result.json", "m/latency.hlog"}
    assert first["m/requests.jsonl"] == raw["m/requests.jsonl"]
    assert orjson.loads(first["m/result.json"]) == results[0]
    assert orjson.loads(first["run.json"])["verdict"] == verdict.to_dict()
    assert made_facts == folder.read_facts()
    folder.rebuild()
    assert contents(folder) == first


def test_derived_files_that_are_gone_come_back_the_same(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS)
    folder.rebuild()
    first = contents(folder)
    for name in first:
        if name not in ("run.json", "m/requests.jsonl"):
            (folder.path / name).unlink()
    (folder.path / "report.md").write_text("garbage", encoding="utf-8")
    folder.rebuild()
    assert contents(folder) == first


def test_rebuild_counts_what_the_rows_say(tmp_path: Path) -> None:
    _, (result,), verdict = run_folder(tmp_path, ROWS).rebuild()
    assert verdict.valid
    (document,) = result["stages"]
    assert document["counts"]["measured"]["ok"] == 30
    assert document["counts"]["measured"]["timeout"] == 1
    assert document["counts"]["warmup"] == 1
    assert result["cold"]["ttft_ns"] == 500_000_000


def test_rows_go_to_their_own_stage(tmp_path: Path) -> None:
    rows = [row(k, stage=k % 2) for k in range(5)]
    _, (result,), _ = run_folder(tmp_path, rows, stages=2).rebuild()
    found = [document["counts"]["measured"]["ok"] for document in result["stages"]]
    assert found == [3, 2]


def test_a_torn_last_line_is_counted_and_the_run_is_invalid(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS)
    whole = folder.rebuild()[1][0]
    journal = folder.open_journal("m")
    journal.append(row(9_000).to_json()[:-30])
    journal.close()
    _, (result,), verdict = folder.rebuild()
    assert result["torn_lines"] == 1
    assert not verdict.valid
    assert "m: 1 journal lines are torn" in verdict.reasons
    assert result["stages"] == whole["stages"]


def test_a_killed_run_can_be_rebuilt(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS, ended=None)
    killed = stage(ROWS, measure_until_ns=None, ended_ns=None, in_flight_ns={})
    folder.write_facts(facts(ModelFacts("m", "m", stages=[killed]), ended=None))
    _, (result,), verdict = folder.rebuild()
    assert not verdict.valid
    assert result["stages"][0]["counts"]["measured"]["ok"] == 30


def test_a_model_without_a_journal_can_be_rebuilt(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_facts(facts(ModelFacts("m", "m", "failed", "dns", "no such host")))
    _, (result,), verdict = folder.rebuild()
    assert (result["stages"], verdict.valid) == ([], False)
    first = contents(folder)
    folder.rebuild()
    assert contents(folder) == first


@pytest.mark.parametrize("escape", ["../x", "..", ".", "", "/x", "a/b", "a\\b", "C:x", ".x"])
def test_a_model_folder_outside_the_run_is_refused(tmp_path: Path, escape: str) -> None:
    folder = run_folder(tmp_path / "run", ROWS)
    folder.write_facts(facts(ModelFacts("m", escape, "ok", stages=[stage(ROWS)])))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ResultError, match=re.escape(repr(escape))):
        folder.rebuild()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "data", [b"", b"x", b"{", b"[]", b"null", b"1", b"{}", b"\xff", b'{"schema":"other"}']
)
def test_a_run_json_that_is_none_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "run.json").write_bytes(data)
    with pytest.raises(ResultError, match=r"run\.json"):
        RunFolder(tmp_path).read_facts()


def test_a_folder_that_is_no_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"nowhere.*run\.json"):
        RunFolder(tmp_path / "nowhere").read_facts()


WRONG_FACTS: tuple[tuple[tuple[str | int, ...], object], ...] = (
    (("models", 0, "folder"), 5),
    (("models", 0, "stages", 0, "in_flight_ns"), None),
    (("models", 0, "stages", 0, "in_flight_ns"), {"many": 5}),
    (("models", 0, "stages", 0, "users"), "4"),
    (("models", 0, "stages", 0, "measure_from_ns"), "soon"),
    (("models", 0, "stages", 0, "books", "ok"), "x"),
    (("origin_wall_ns",), None),
    (("scenario",), None),
)


@pytest.mark.parametrize(("path", "value"), WRONG_FACTS, ids=str)
def test_facts_of_another_type_are_refused_by_name(
    tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    folder = run_folder(tmp_path, ROWS)
    data: Any = orjson.loads((tmp_path / "run.json").read_bytes())
    inner: Any = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    (tmp_path / "run.json").write_bytes(orjson.dumps(data))
    with pytest.raises(ResultError, match=r"run\.json"):
        folder.rebuild()


def test_the_log_holds_the_measured_requests(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, ROWS)
    folder.rebuild()
    text = (folder.path / "m" / "latency.hlog").read_text(encoding="utf-8")
    logged = [line.split(",")[1] for line in text.splitlines() if line.startswith("Tag=e2e,")]
    measured = [one for one in ROWS if one.phase == "measure" and one.outcome != "error"]
    assert list(map(float, logged)) == sorted({one.ended_ns // S for one in measured})
