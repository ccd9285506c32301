import html
import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.metrics import METRICS
from tailrace.results.render.markdown import code, prose, report_md
from tailrace.results.render.text import safe_text


def report(run):
    return report_md(run.facts, run.results, run.verdict)


def test_verdict_comes_first(run, invalid):
    assert report(run).splitlines()[2] == "**VALID**"
    lines = report(invalid).splitlines()
    assert lines[2] == "**INVALID**:"
    assert "the books do not balance" in lines[4]


def test_results_row(run):
    assert (
        "| 8 | 7.98 | 8 | 682 | 9 | 9 | 0 | 691 | 442 | 530 | ≥10000 | 36.0 | 37.0 | 1400 | 2 "
        "| 36.0 | 1270 | ≥10000 | 619 | 77.4 | 25.0 |"
    ) in report(run)


def test_highlights_stand_below_the_verdict(run):
    below = report(run).split("## Results")[0].splitlines()
    told = [line for line in below if ": best throughput at " in line]
    assert len(told) == 2, "of three models one failed"
    assert any("did not end ok." in line for line in told)


def test_every_section_is_there(run):
    text = report(run)
    for heading in ("What was run", "Results", "Host", "Definitions"):
        assert f"\n## {heading}\n" in text
    assert "| http_503 | 8 | 9 |" in text
    assert "**failed: model_not_found**" in text
    assert "Cold first request, in no percentile: TTFT 435 ms" in text
    assert "| cpu.governor | `performance` |" in text
    assert text.count("<details>") == text.count("</details>") == 2
    for metric in METRICS:
        assert f"\n- **{metric.name}**: " in text
    assert "| TTFT (response) | 691 |" in text


def test_every_table_has_the_same_cells_in_each_row(run, hostile):
    for text in (report(run), report(hostile)):
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({line.count("|") for line in block.splitlines()}) == 1
            assert re.fullmatch(r"\|(?: -{3}:? \|)+", block.splitlines()[1])


def test_tables_and_lists_stand_apart(run):
    lines = report(run).splitlines()
    for before, line in itertools.pairwise(lines):
        assert not (line.startswith("|") and before and not before.startswith("|"))


def test_hostile_texts_stay_texts(hostile):
    text = report(hostile)
    for raw in ("<script", "<img", "![i]", "`x`", "\x1b", "[bold red]", "@you"):
        assert raw not in text


@given(st.text())
def test_prose_has_nothing_that_acts_and_reads_the_same(raw):
    written = prose(raw)
    bare = re.sub(r"&#\d+;", "", written.replace("<!-- -->", ""))
    assert not set(bare) & set("&<>`|*[]\\!#~$^@")
    assert html.unescape(written.replace("<!-- -->", "")) == safe_text(raw)


@given(st.text("ab `|<*\\@&_-", max_size=20))
def test_code_cannot_be_left(raw):
    written = code(raw)
    if written.startswith("`"):
        assert written.count("`") == 2
        assert not set(written[1:-1]) & set("`|<")
    elif written != "(empty)":
        assert written.count("<") - 2 == written.count("<!--")
        assert not set("`|") & set(written)


def test_links_lists_and_mentions_are_defused():
    assert prose("see http://x www.x.org") == "see http:&#47;/x www&#46;x.org"
    assert prose("- a") == "&#45; a"
    assert prose("1. a") == "1&#46; a"
    assert prose("12) a") == "12&#41; a"
    assert prose("3.8 % of a core") == "3.8 % of a core"
    assert prose("model_not_found") == "model_not_found"
    assert prose("_a_") == "&#95;a&#95;"
    assert prose("@you") == "&#64;<!-- -->you"


def test_same_input_same_bytes(run):
    assert report(run) == report(run)
