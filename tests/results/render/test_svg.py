import itertools
import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.render.charts import drawings
from tailrace.results.render.svg import HEIGHT, WIDTH, Curve, Point, Scale, chart
from tailrace.results.render.table import by_model, rows

TICKS = [(0.0, "1"), (1.0, "2")]
values = st.floats(1e-6, 3.6e6)


def drawn(curves):
    return ET.fromstring(chart("TTFT", "ms", "users", TICKS, curves))


def test_kinds_of_points():
    points = (
        Point(0, 1, "<firm>"),
        Point(0.5, 2, "loose", certified=False),
        Point(1, 3, "bound", at_least=True),
    )
    root = drawn([Curve("p<50", points)])
    dots = [path for path in root.iter("path") if path.get("class", "").startswith("dot")]
    assert [dot.get("class") for dot in dots] == ["dot c0", "dot c0 loose", "dot c0"]
    assert [dot.find("title").text for dot in dots] == ["<firm>", "loose", "bound"]
    assert "a3.5" not in dots[2].get("d")
    assert "p<50" in [text.text for text in root.iter("text")]


def test_nothing_to_draw():
    assert chart("t", "ms", "users", TICKS, []) == ""
    assert chart("t", "ms", "users", TICKS, [Curve("a", (Point(0, 0.0, ""),))]) == ""


def test_one_level_alone_stands_in_the_middle():
    root = ET.fromstring(chart("t", "ms", "users", [(3.0, "8")], [Curve("a", (Point(3, 5, ""),))]))
    assert root.find("path[@class='dot c0']") is not None


@given(st.lists(values, min_size=1, max_size=20))
def test_scale_stays_on_the_page_and_keeps_order(given_values):
    scale = Scale(given_values)
    assert len(scale.ticks) <= 7
    heights = [scale.y(value) for value in sorted(given_values)]
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= y <= HEIGHT for y in [*heights, *map(scale.y, scale.ticks)])


@given(st.lists(st.lists(values, min_size=2, max_size=2), min_size=1, max_size=10))
def test_names_never_cover_each_other(lines):
    curves = [
        Curve(f"n{i}", tuple(Point(x, y, "") for x, y in enumerate(line)))
        for i, line in enumerate(lines)
    ]
    root = drawn(curves)
    ends = [float(t.get("y")) for t in root.iter("text") if re.match(r"n\d", t.text or "")]
    ends.sort()
    assert len(ends) == len(lines)
    assert all(below - above >= 13.9 for above, below in itertools.pairwise(ends))


def test_a_report_draws_three_charts_a_model(run):
    for levels in by_model(rows(run.facts, run.results))[:2]:
        made = drawings(levels)
        assert [len(ET.fromstring(drawing.svg)) > 5 for drawing in made] == [True] * 3
        for text in ET.fromstring(made[0].svg).iter("text"):
            assert 0 <= float(text.get("x")) <= WIDTH
