"""A run's report in a browser: it reads on any screen, asks for nothing, and nothing in it acts."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from anatomy.report import html
from anatomy.report.figures import draw
from distill.metrics import MARK
from distill.report.document import document, drawings
from distill.report.view import read
from tests.browser.conftest import HOSTILE_NAME
from tests.browser.test_access import violations
from tests.browser.test_safety import PARTS
from tests.distill import audited
from tests.distill.ended import ended
from tests.distill.report.hostile import hostile
from tests.report.conftest import HOSTILE_PROMPTS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """A run, with names and prompts that mean harm and with harmless ones in their place."""
    world = audited.make(tmp_path_factory.mktemp("world"))
    view = read(ended(world, tmp_path_factory.mktemp("runs")).folder)
    alike = [re.sub(r"\w", "x", re.sub(r"[^\w ]", "-", text)) for text in HOSTILE_PROMPTS]
    return hostile(view, HOSTILE_NAME), hostile(view, "harmless", alike)


@pytest.fixture(scope="module")
def pages(views, tmp_path_factory):
    """Where their pages are."""
    folder = tmp_path_factory.mktemp("pages")
    drawn = draw(drawings(views[1]), MARK, views[1].metrics.digest, [])
    for view, name in zip(views, ("hostile", "harmless"), strict=True):
        (folder / f"{name}.html").write_bytes(html.render(document(view), drawn))
    return [(folder / f"{name}.html").as_uri() for name in ("hostile", "harmless")]


@pytest.mark.parametrize("width", [360, 1200])
def test_it_does_not_scroll_sideways_and_asks_for_nothing(visit, pages, width):
    with visit(pages[0], width=width) as page:
        page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        reasons = page.locator("#table-recipe td.words")
        assert reasons.first.is_visible()  # also where there is no room beside the value
        box = reasons.first.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


def parts(page) -> Counter:
    """Tags and attributes, but for those that say that a table is wider than the page."""
    wide = ("tabindex", "data-more")
    return Counter(part for part in page.evaluate(PARTS) if not part.endswith(wide))


def test_nothing_in_a_name_or_a_prompt_becomes_part_of_the_page(visit, pages):
    with visit(pages[0]) as page, visit(pages[1]) as other:
        assert HOSTILE_NAME in page.locator("#table-prompts").inner_text()
        assert parts(page) == parts(other)
        assert page.locator("img, iframe, object, embed, form, base").count() == 0


def test_values_are_told_under_the_pointer(visit, pages):
    with visit(pages[0]) as page:
        canvas = page.locator("#figure-training .canvas")
        canvas.press("ArrowRight")
        assert canvas.locator(".tip").inner_text()


def test_axe_finds_nothing(visit, pages, axe):
    for options in ({}, {"width": 360, "color_scheme": "dark"}):
        with visit(pages[0], **options) as page:
            page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
            page.evaluate(axe)
            assert violations(page) == []
