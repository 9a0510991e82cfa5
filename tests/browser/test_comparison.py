"""A comparison's page is the report's in another hand: it must read as well."""

from __future__ import annotations

import pytest

from anatomy.comparison import compare
from anatomy.report import html
from anatomy.report.comparison import figures
from anatomy.report.comparison.document import document
from tests.browser.conftest import HOSTILE_NAME
from tests.browser.test_access import violations
from tests.inside.samples import run, save

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=[2, 5], ids=["two", "five"])
def compared(request, tmp_path_factory):
    """The page of as many audits: one with another corpus, one with another encoder."""
    folder = save(tmp_path_factory.mktemp("compared"))
    audits = {
        "base": run(folder, ["minilm=DIR/bert"], sample=60),
        HOSTILE_NAME: run(folder, ["minilm=DIR/bert"], ["two.txt"], sample=60),
        "sam3": run(folder, ["sam3"], ["one.txt"]),
    }
    audits |= {f"again {number}": audits["base"] for number in range(2)}
    comparison = compare(dict(list(audits.items())[: request.param]))
    path = tmp_path_factory.mktemp("page") / "compare.html"
    path.write_bytes(html.render(document(comparison), figures.render(comparison)))
    return path.as_uri()


@pytest.mark.parametrize("width", [360, 1200])
def test_it_does_not_scroll_sideways_and_asks_for_nothing(visit, compared, width):
    with visit(compared, width=width) as page:
        page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert HOSTILE_NAME in page.locator("main").inner_text()
        assert page.locator("img").count() == 0


def test_values_are_told_under_the_pointer(visit, compared):
    with visit(compared) as page:
        canvas = page.locator("#figure-compare-moved .canvas")
        canvas.press("ArrowRight")
        assert canvas.locator(".tip").inner_text()


@pytest.mark.slow
def test_axe_finds_nothing(visit, compared, axe):
    for options in ({}, {"width": 360, "color_scheme": "dark"}):
        with visit(compared, **options) as page:
            page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
            page.evaluate(axe)
            assert violations(page) == []
