"""report.html in a real Chromium: what a person would see of it, and what they must not."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from playwright.sync_api import Browser, Locator, Page

from tailrace.results.export.charts import DRAWN
from tailrace.results.facts import ModelFacts
from tailrace.simulate import Script, background

from ..command import tailrace
from ..results.builders import facts, row, run_folder, stage

pytestmark = pytest.mark.server
HOSTILE = (
    "=1+1<script>window.struck=1</script><img src=x onerror=window.struck=2>"
    "</title></script><!--<script>window.struck=3</script>-->"
    "\u2028<a href=javascript:window.struck=4>' onmouseover=window.struck=5 "
    '" onfocus=window.struck=6 autofocus <svg onload=window.struck=7>'
    "{{ 7*7 }}${7*7}]]>"
)
TAKEN = ("sim-ttft-load", "sim-ttft-percentiles", "sim-gaps-time", "sim-load-time")
"""Charts that keep their data in different places."""
COUNT = "document.documentElement.dataset.drawn"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a real run against the scripted endpoint: two loads, every seventh request is reset."""
    folder = tmp_path_factory.mktemp("run")
    script = Script(ttft_ns=30_000_000, gap_ns=4_000_000, tokens=16, fault="reset", fault_every=7)
    with background(script) as url:
        args = ("-m", "sim", "-c", "2,8", "--duration", "1500ms", "--warmup", "200ms", "-q")
        done = tailrace("run", "--url", url, *args, cwd=folder)
    assert done.returncode in (0, 11), done.stderr
    (found,) = folder.glob("runs/*/report.html")
    return found


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run whose server and user wrote whatever they could."""
    rows = [row(sent_ms=10 * n, id=f"{HOSTILE}{n}") for n in range(60)]
    rows += [row(sent_ms=1, id="e", outcome="error", error_class=HOSTILE, error=HOSTILE)]
    folder = run_folder(tmp_path_factory.mktemp("hostile"), rows)
    model = ModelFacts(HOSTILE, "m", "ok", stages=[stage(rows)])
    folder.write_facts(facts(model, name=HOSTILE))
    folder.rebuild()
    return folder.path / "report.html"


@contextmanager
def opened(browser: Browser, path: Path, width: int = 1280, **more: str) -> Iterator[Page]:
    """The page, drawn. Fails on anything that it says on the console or fetches."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **more)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(DRAWN, state="attached")
    yield page
    assert [each for each in said if not each.startswith(("blob:", "data:"))] == [path.as_uri()]
    context.close()


def figure_of(page: Page, title: str) -> Locator:
    """A chart with its buttons."""
    return page.locator(f"figure:has(summary:text-is('{title}'))")


def wait_until(look: Callable[[], str], wanted: str) -> str:
    """The page's own policy forbids the driver to wait by a script in the page."""
    until_s = time.monotonic() + 10
    while (found := look()) != wanted and time.monotonic() < until_s:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_drawn_and_nothing_is_wider_than_the_page(
    browser: Browser, report: Path, width: int
) -> None:
    with opened(browser, report, width) as page:
        charts = page.locator(".chart")
        assert charts.count() == int(page.evaluate(COUNT)) >= 12
        assert page.locator(".chart .main-svg:first-child").count() == charts.count()
        for name in ("trace", "heatmaplayer image, .heatmaplayer .hm", "bars"):
            assert page.locator(f".chart .{name}").count() > 0, name
        assert page.evaluate("document.documentElement.scrollWidth") == width
        boxes = page.locator(".chart").evaluate_all(
            "each => each.map(one => [one.clientWidth, one.querySelector('.main-svg').clientWidth])"
        )
        assert all(abs(outer - inner) <= 1 for outer, inner in boxes)
        assert page.locator("header .badge").bounding_box()["y"] < 100


def test_the_verdict_comes_first_and_a_chart_tells_what_it_shows(
    browser: Browser, report: Path
) -> None:
    with opened(browser, report) as page:
        assert page.locator("body").inner_text().startswith(("VALID", "INVALID"))
        summary = page.locator("figcaption summary").first
        about = summary.get_attribute("title") or ""
        assert about.startswith("Percentiles of TTFT")
        assert not page.get_by_text(about).first.is_visible()
        summary.focus()
        page.keyboard.press("Enter")
        assert page.get_by_text(about).first.is_visible()


def test_each_chart_gives_its_data_and_its_picture(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        figure = figure_of(page, "Endings and errors over time")
        saved = {}
        for kind in ("csv", "png", "svg"):
            with page.expect_download() as download:
                figure.locator(f"button[data-as={kind}]").click()
            saved[kind] = Path(download.value.path()).read_bytes()
            assert download.value.suggested_filename == f"sim-ended-time.{kind}"
    lines = list(csv.DictReader(io.StringIO(saved["csv"].decode("utf-8-sig"))))
    assert {line["outcome"] for line in lines} >= {"ok", "reset"}
    assert sum(float(line["per_s"]) for line in lines) > 0
    assert saved["png"].startswith(b"\x89PNG")
    assert b"<svg" in saved["svg"]


def test_the_data_to_take_away_are_those_that_are_drawn(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        charts = orjson.loads(page.locator("#charts").text_content() or "")
        found = {}
        for place, chart in enumerate(charts):
            if chart["key"] not in TAKEN:
                continue
            with page.expect_download() as download:
                page.locator(f"button[data-chart='{place}'][data-as=csv]").click()
            text = Path(download.value.path()).read_text(encoding="utf-8-sig")
            found[chart["key"]] = list(csv.DictReader(io.StringIO(text)))
            assert found[chart["key"]], chart["key"]
            assert set(found[chart["key"]][0]) == set(chart["columns"])
    drawn = {chart["key"]: chart["traces"] for chart in charts}
    gaps = [row for trace in drawn["sim-gaps-time"] for row in trace["z"]]
    assert sum(int(line["gaps"]) for line in found["sim-gaps-time"]) == sum(map(sum, gaps))
    assert all(float(x["gap_from_ms"]) < float(x["gap_to_ms"]) for x in found["sim-gaps-time"])
    tokens = [float(line["tokens_per_s"]) for line in found["sim-load-time"]]
    assert tokens == drawn["sim-load-time"][1]["y"]
    percents = {float(line["percentile"]) for line in found["sim-ttft-percentiles"]}
    assert percents >= {0, 50, 99.9, 100}


def test_charts_over_time_stand_exactly_under_each_other(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        edges = page.evaluate(
            "[...document.querySelectorAll('.across .chart')].filter(one => one.layout.shapes[0])"
            ".map(one => [one._fullLayout._size.l, one._fullLayout._size.r])"
        )
    assert len(edges) >= 4
    assert len(set(map(tuple, edges))) == 1


def test_what_strangers_wrote_stays_text(browser: Browser, hostile: Path) -> None:
    with opened(browser, hostile) as page:
        assert page.evaluate("window.struck") is None
        assert page.locator("script").count() == 3
        assert page.locator("img").count() == 0
        assert "<script>window.struck=1</script>" in page.locator("h1").inner_text()
        figure = figure_of(page, "Single requests")
        with page.expect_download() as download:
            figure.locator("button[data-as=csv]").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert all(line["id"][0] in "'e" for line in csv.DictReader(io.StringIO(text)))


def test_dark_and_print_have_colours_of_their_own(browser: Browser, report: Path) -> None:
    paint = "getComputedStyle(document.querySelector('.chart .scatterlayer path.js-line')).stroke"
    with opened(browser, report) as page:
        light = page.evaluate(paint)
        assert len(page.pdf(prefer_css_page_size=True)) > 50_000
    with opened(browser, report, color_scheme="dark") as page:
        dark = page.evaluate(paint)
        page.emulate_media(media="print", color_scheme="dark")
        printed = wait_until(lambda: page.evaluate(paint), light)
    assert printed == light
    assert light != dark


def test_a_browser_too_old_for_the_charts_shows_the_rest_and_says_so(
    browser: Browser, report: Path
) -> None:
    page = browser.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(report.as_uri())
    said = "The charts need a browser of 2023 or newer"
    page.get_by_text(said).first.wait_for()
    assert page.get_by_text(said).count() == page.locator(".charts").count()
    with page.expect_download() as download:
        page.locator("button[data-as=csv]").first.click()
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("\n") > 1
    page.close()
