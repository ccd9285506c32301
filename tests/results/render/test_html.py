import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.render.html import PLOTLY_HERE, TEMPLATE, report_html
from tailrace.results.render.text import safe_text

from .runs import PLOTLY, failed_run

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
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)


def page(run):
    return Page(report_html(run.facts, run.results, run.verdict, PLOTLY))


def test_well_formed_and_verdict_first(run, invalid):
    read = page(run)
    words = "\n".join(text.strip() for text in read.texts if text.strip()).split("\n")
    assert words[0] == "three-models: VALID"
    assert words[1] == "VALID"
    assert [value for name, value in read.attributes if name == "id"] == [
        *(f"chart-{place}" for place in range(1 + 2 * 4)),
        "charts",
        "plotly",
    ]
    assert "≥10000" in words
    assert "failed: model_not_found" in words
    assert ("class", "verdict invalid") in page(invalid).attributes


def test_definitions_are_titles(run):
    titles = [value for name, value in page(run).attributes if name == "title"]
    assert any(title.startswith("time to first token, service") for title in titles)


def scripts(text):
    """What stands between the tags of each script, in order."""
    return re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)


def test_nothing_is_fetched_and_only_our_scripts_run(run, hostile):
    for made in (run, hostile):
        text = report_html(made.facts, made.results, made.verdict, PLOTLY)
        read = Page(text)
        assert not {"img", "link", "iframe", "object", "image", "use"} & set(read.tags)
        names = {name for name, _ in read.attributes}
        assert not {"src", "href", "srcset", "style", "action"} & names
        assert not any(name.startswith("on") for name in names)
        own = text[: text.index("<script")]
        assert "url(" not in own
        assert "@import" not in own
        policy = next(value for name, value in read.attributes if value and "default-src" in value)
        assert policy.startswith("default-src 'none'")
        _, plotly, own_script = scripts(text)
        assert plotly == PLOTLY_HERE
        digest = hashlib.sha256(own_script.encode()).digest()
        hashes = [PLOTLY, base64.b64encode(digest).decode()]
        assert re.findall(r"'sha256-([^']*)'", policy) == hashes


def test_hostile_texts_are_shown_as_texts(hostile):
    text = report_html(hostile.facts, hostile.results, hostile.verdict, PLOTLY)
    data, *_ = scripts(text)
    assert "<" not in data
    orjson.loads(data)
    own = text[: text.index("<script")]
    assert "<img" not in own
    assert "\x1b" not in own
    assert any("<script>alert(1)</script>" in part for part in Page(text).texts)


def test_a_page_without_a_level_has_no_script():
    made = failed_run("m", "e")
    assert "<script" not in report_html(made.facts, made.results, made.verdict, PLOTLY)


@settings(max_examples=25, deadline=None)
@given(st.text("<>&\"'/=ab {}%\x00\x1b\n", max_size=40))
def test_any_text_is_text(model):
    read = page(failed_run(model, model))
    assert "".join(read.texts).count(safe_text(model)) >= 2
    assert set(read.tags) == set(page(failed_run("plain", "plain")).tags)


def test_same_input_same_bytes(run):
    first = report_html(run.facts, run.results, run.verdict, PLOTLY)
    assert first == report_html(run.facts, run.results, run.verdict, PLOTLY)
    assert len(first) < 400_000


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
