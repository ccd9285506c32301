"""The annotation sheet: what people wrote survives every program and every rerun."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ResultError
from tailrace.results.rubric_sheet import (
    TEXT_CHARS,
    Sample,
    Sheet,
    digest,
    is_stale,
    read,
    updated,
    written,
)

GOLDEN = Path(__file__).with_name("golden") / "annotations"
MALFORMED = sorted(GOLDEN.glob("*.csv"))
FACETS = ("tone", "to the point")

texts = st.text(max_size=60).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
words = texts.filter(lambda text: text.strip() != "")
samples = st.lists(
    st.builds(Sample, words, words, texts, texts, st.just(FACETS)),
    max_size=6,
    unique_by=lambda sample: sample.key,
)


def sample(
    request: str = "r1", text: str = "An answer.", facets: tuple[str, ...] = FACETS
) -> Sample:
    return Sample("m", request, "1", text, facets)


def sheet(text: str) -> Sheet:
    return read(text.encode("utf-8"), "s.csv")


def filled(text: str, request: str, scores: str) -> str:
    """The first empty scores of a request, as a person would write them."""
    lines = text.split("\r\n")
    place = next(n for n, line in enumerate(lines) if f'"{request}"' in line)
    lines[place] = lines[place].replace('"","",', scores + ",", 1)
    return "\r\n".join(lines)


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.name)
def test_what_is_wrong_with_a_sheet(path: Path) -> None:
    with pytest.raises(ResultError) as caught:
        read(path.read_bytes(), repr(path.name))
    wanted = path.with_suffix(".csv.txt").read_text(encoding="utf-8").rstrip("\n")
    assert str(caught.value) == wanted


def test_there_are_enough_malformed_sheets() -> None:
    assert len({path.with_suffix(".csv.txt").read_text("utf-8") for path in MALFORMED}) >= 8


def test_a_new_sheet() -> None:
    one, two = sample(), sample("r2", "=1+1", ("tone",))
    text = written([one, two], FACETS)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["tone"] for row in rows] == ["", ""]
    assert [row["to the point"] for row in rows] == ["", "n/a"]
    assert rows[1]["text"] == "'=1+1"  # no spreadsheet takes it for a formula
    assert [row.key for row in sheet(text).rows] == [one.key, two.key]
    assert sheet(text).rows[0].scores == {}


def test_a_rerun_keeps_what_is_filled_in_and_adds_only_what_is_new() -> None:
    begin = filled(written([sample()], FACETS), "r1", '"5","2"')
    again = updated(sheet(begin), [sample(), sample("r2")], {})
    assert again.startswith(begin)
    assert [row.scores for row in sheet(again).rows] == [{"tone": 5, "to the point": 2}, {}]
    assert updated(sheet(again), [sample(), sample("r2")], {}) == again


def test_an_answer_that_changed_makes_its_row_stale_and_gets_another() -> None:
    begin = filled(written([sample()], FACETS), "r1", '"5","2"')
    now = sample(text="Another answer.")
    texts = {("m", "r1"): now.digest}
    again = sheet(updated(sheet(begin), [now], texts))
    assert [row.state for row in again.rows] == ["stale", ""]
    assert [is_stale(row, texts) for row in again.rows] == [True, False]
    assert again.rows[0].scores == {"tone": 5, "to the point": 2}
    back = sheet(updated(again, [], {("m", "r1"): sample().digest}))
    assert [row.state for row in back.rows] == ["", "stale"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_whatever_program_saved_it(delimiter: str, end: str, mark: str) -> None:
    rows = csv.reader(io.StringIO(written([sample(text="a,b;c\nd")], FACETS)[1:], newline=""))
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    text = mark + out.getvalue() + end  # and an empty row at the end
    again = updated(sheet(text), [sample("r2")], {})
    assert again.startswith(text)
    assert [row.request for row in sheet(again).rows] == ["r1", "r2"]


@given(samples, samples)
def test_rows_read_back_and_are_never_lost(first: list[Sample], more: list[Sample]) -> None:
    usable = [one for one in (*first, *more) if one.request.strip()]
    begin = written([one for one in first if one.request.strip()], FACETS)
    again = updated(sheet(begin), usable, {})
    assert again.startswith(begin)
    keys = [row.key for row in sheet(again).rows]
    assert sorted(keys) == sorted({one.key for one in usable})
    assert updated(sheet(again), usable, {}) == again


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    said = "s.csv line "
    try:
        read(data, "s.csv")
    except ResultError as exc:
        said = str(exc)
    assert said.startswith("s.csv line ")


def test_digests_are_of_the_whole_text() -> None:
    long = "x" * 5_000
    assert digest(long + "a") != digest(long + "b")
    assert digest("a").startswith("sha256:")
    assert digest("\ud800")  # half a pair has one as well


def test_a_digest_is_a_words_and_half_a_hash() -> None:
    name, _, digits = digest("An answer.").partition(":")
    assert name == "sha256"
    assert len(digits) == 32
    assert int(digits, 16) == int(sha256(b"An answer.").hexdigest(), 16) >> 128


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n"])
def test_a_new_row_begins_on_a_line_of_its_own(end: str) -> None:
    text = written([sample()], FACETS).removesuffix("\r\n") + end
    again = updated(sheet(text), [sample("r2")], {})
    rows = written([sample("r2")], FACETS).split("\r\n", 1)[1]
    assert again == text + ("" if end else "\r\n") + rows
    assert updated(sheet(text), [], {}) == text, "nothing new, so not even a line end"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_that_grows_stale_keeps_its_line_end(end: str) -> None:
    text = written([sample(), sample("r2")], FACETS).replace("\r\n", end)
    again = updated(sheet(text), [], {("m", "r1"): "sha256:other"})
    header, first, second = again.split(end)[:3]
    assert first.endswith(',"stale"')
    assert again == end.join([header, first, second, ""])
    assert second == text.split(end)[2]


def test_a_cell_shows_the_answers_lines_and_not_its_length() -> None:
    def shown(text: str) -> str:
        body = written([sample(text=text)], FACETS).removeprefix("\ufeff")
        (row,) = csv.DictReader(io.StringIO(body, newline=""))
        return row["text"]

    assert shown("\n\n  X\r\nb\u2028c \n") == "X\nb\nc"
    assert shown("w" * TEXT_CHARS) == "w" * TEXT_CHARS
    assert shown("w" * (TEXT_CHARS + 1)) == "w" * TEXT_CHARS + " …"
    assert shown("w" * (TEXT_CHARS - 1) + "\nvv") == "w" * (TEXT_CHARS - 1) + " …"


def scored(request: str, scores: Sequence[str], annotator: str, note: str = "") -> str:
    """A row as a person leaves it."""
    cells = ["m", "'=p", request, "text", *scores, note, annotator, sample().digest, ""]
    return ",".join(cells) + "\n"


HEADER = "model,prompt,request,text,tone,to the point,note,annotator,text_sha256,state\n"


def test_what_people_wrote_is_read() -> None:
    row, bare = sheet(
        HEADER + scored("r1", "13", " Ann ", "so so") + scored("r2", ("4", "n/a"), "")
    ).rows
    assert (row.line, row.model, row.prompt, row.request) == (2, "m", "=p", "r1")
    assert (row.note, row.annotator, row.scores) == ("so so", "Ann", {"tone": 1, "to the point": 3})
    assert (bare.line, bare.annotator) == (3, "")


def test_one_score_of_each_kind_is_read_and_no_other() -> None:
    for score in "12345":
        assert sheet(HEADER + scored("r1", [score, " n/A "], "")).rows[0].scores == {
            "tone": int(score)
        }
    for score in ("0", "6", "1.0", "+1", "\u0661"):
        with pytest.raises(ResultError, match="is not a whole number from 1 to 5"):
            sheet(HEADER + scored("r1", [score, ""], ""))


def test_an_answer_may_be_scored_by_several_and_by_nobody_twice() -> None:
    ann, bob = scored("r1", "55", "Ann"), scored("r1", "11", "Bob")
    assert len(sheet(HEADER + ann + bob + scored("r2", "33", "Ann")).rows) == 3
    unscored = ",".join(["m", "p", "r1", "t", "", "", "", "", sample().digest, ""]) + "\n"
    assert len(sheet(HEADER + unscored * 2).rows) == 2
    with pytest.raises(ResultError, match=r"line 4, .*: annotator 'Ann' scored .* on line 2 "):
        sheet(HEADER + ann + bob + ann)
    with pytest.raises(
        ResultError, match=r"line 3, .*: nobody named scored request 'r1' on line 2"
    ):
        sheet(HEADER + scored("r1", "55", "") * 2)


def test_a_column_that_stands_there_twice() -> None:
    with pytest.raises(ResultError, match="the column 'note' stands there twice; keep"):
        sheet(HEADER.replace("tone", "note"))
    with pytest.raises(ResultError, match="the column 'note' is missing; keep"):
        sheet(HEADER.replace("note", "notes"))
