import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.render.html import TEMPLATE, report_html
from tailrace.results.render.text import safe_text

from .runs import failed_run

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page; fails on a tag that is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)


def page(run):
    return Page(report_html(run.facts, run.results, run.verdict))


def test_well_formed_and_verdict_first(run, invalid):
    read = page(run)
    words = "\n".join(text.strip() for text in read.texts if text.strip()).split("\n")
    assert words[0] == "three-models: VALID"
    assert words[1] == "VALID"
    assert read.tags.count("svg") == 6
    assert "≥10000" in words
    assert "failed: model_not_found" in words
    assert ("class", "verdict invalid") in page(invalid).attributes


def test_definitions_are_titles(run):
    titles = [value for name, value in page(run).attributes if name == "title"]
    assert any(title.startswith("time to first token, service") for title in titles)


def test_nothing_is_fetched_and_nothing_runs(run, hostile):
    for made in (run, hostile):
        text = report_html(made.facts, made.results, made.verdict)
        read = Page(text)
        assert not {"script", "img", "link", "iframe", "object", "image", "use"} & set(read.tags)
        names = {name for name, _ in read.attributes}
        assert not {"src", "href", "srcset", "style", "action"} & names
        assert not any(name.startswith("on") for name in names)
        assert "url(" not in text
        assert "@import" not in text
        assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_hostile_texts_are_shown_as_texts(hostile):
    text = report_html(hostile.facts, hostile.results, hostile.verdict)
    assert "<script" not in text
    assert "<img" not in text
    assert "\x1b" not in text
    assert any("<script>alert(1)</script>" in part for part in Page(text).texts)


@settings(max_examples=25, deadline=None)
@given(st.text("<>&\"'/=ab {}%\x00\x1b\n", max_size=40))
def test_any_text_is_text(model):
    read = page(failed_run(model, model))
    assert "".join(read.texts).count(safe_text(model)) >= 2
    assert set(read.tags) == set(page(failed_run("plain", "plain")).tags)


def test_same_input_same_bytes(run):
    first = report_html(run.facts, run.results, run.verdict)
    assert first == report_html(run.facts, run.results, run.verdict)
    assert len(first) < 200_000


def luminance(colour):
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2])
def test_text_has_contrast_aa(theme):
    template = files("tailrace.results.render").joinpath(TEMPLATE).read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", template, re.DOTALL)[theme]
    colours = dict(re.findall(r"--(\w+): #(\w+);", block))
    for name in ("ink", "soft", "good", "bad", "mark", *(["link"] if theme < 2 else [])):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
        assert contrast(colours[name], colours["band"]) >= 4.5, name
    for line in range(8):
        assert contrast(colours[f"c{line}"], colours["paper"]) >= 3, line
