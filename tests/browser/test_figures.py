from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from anatomy.report.style import DARK
from anatomy.report.svg import inline, variable

pytestmark = pytest.mark.browser


def point_at(page, name, left, top):
    """Move the pointer to a place of a figure, in shares of its width and height."""
    sheet = page.locator(f"#figure-{name} .sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + left * box["width"], box["y"] + top * box["height"])


def test_the_pointer_shows_the_nearest_value(visit):
    with visit() as page:
        tip = page.locator("#figure-context-sam3 .tip")
        point_at(page, "context-sam3", 0.115, 0.78)
        assert tip.inner_text().split("\n") == ["(a): <b>one</b>", "L: 1", "share: 1 %"]
        point_at(page, "context-sam3", 0.922, 0.9)
        assert tip.inner_text().split("\n") == ["(b): two", "L: 32", "share: 2 %"]
        point_at(page, "context-sam3", 0.5, 0.3)  # far from everything
        assert not tip.is_visible()
        point_at(page, "overlap", 0.5, 0.2)
        tip = page.locator("#figure-overlap .tip")
        assert tip.inner_text().split("\n") == ["shared", "one, two", "2"]
        page.mouse.move(5, 5)
        assert not tip.is_visible()


def test_the_arrow_keys_walk_and_say_what_they_find(visit):
    with visit() as page:
        figure = page.locator("#figure-context-sam3")
        canvas, tip, said = (figure.locator(c) for c in (".canvas", ".tip", "[role=status]"))
        canvas.focus()
        for key, words in (
            ("ArrowRight", "(a): <b>one</b>, L: 1, share: 1 %"),
            ("ArrowRight", "(a): <b>one</b>, L: 32, share: 1 %"),
            ("ArrowRight", "(a): <b>one</b>, L: 32, share: 1 %"),  # the last one
            ("ArrowDown", "(a): two, L: 16, share: 2 %"),
            ("ArrowLeft", "(a): two, L: 1, share: 2 %"),
            ("ArrowUp", "(a): <b>one</b>, L: 1, share: 1 %"),
        ):
            canvas.press(key)
            assert said.inner_text() == words
            assert tip.inner_text().replace("\n", ", ") == words
        canvas.press("Escape")
        assert not tip.is_visible()
        page.locator("#figure-overlap .canvas").press("ArrowRight")
        assert page.locator("#figure-overlap [role=status]").inner_text() == "shared, one, one, 1"


def test_on_a_phone_a_tap_shows_the_value_where_it_can_be_read(visit):
    with visit(width=360, has_touch=True) as page:
        canvas = page.locator("#figure-context-sam3 .canvas")
        assert canvas.get_attribute("data-more") == "right"
        canvas.scroll_into_view_if_needed()
        canvas.evaluate("canvas => { canvas.scrollLeft = 1e4 }")
        sheet, seen = (
            page.locator("#figure-context-sam3 .sheet").bounding_box(),
            canvas.bounding_box(),
        )
        page.touchscreen.tap(sheet["x"] + 0.92 * sheet["width"], sheet["y"] + 0.9 * sheet["height"])
        tip = page.locator("#figure-context-sam3 .tip").bounding_box()
        assert tip["x"] >= seen["x"] - 1
        assert tip["x"] + tip["width"] <= seen["x"] + seen["width"] + 1


def test_figures_say_what_they_show(visit, drawn, report):
    with visit() as page:
        for place in report.figures:
            figure = next(f for f in drawn if f.name == place.name)
            canvas = page.locator(f"#figure-{place.name} .canvas")
            walks = bool(figure.hover["series"] or figure.hover["grids"])
            assert canvas.get_attribute("role") == ("application" if walks else "img")
            label = canvas.get_attribute("aria-label")
            assert label.startswith(f"Figure {place.number}: {figure.alternative}")
            assert ("arrow keys" in label) == walks
            assert (canvas.get_attribute("tabindex") == "0") == walks


def test_figures_look_on_the_page_as_in_their_files(chromium, drawn):
    inlined = inline(drawn)
    colours = "".join(f"{variable(colour)}:{colour};" for colour in DARK)
    style = (
        f"<style>:root {{ {colours} }} body {{ margin: 0 }} .shapes {{ position: absolute }}"
        "svg:not(.shapes) { width: 700px; height: auto; display: block; stroke-linejoin: round }"
        "</style>"
    )
    page = chromium.new_page(viewport={"width": 700, "height": 900})

    def shot(markup):
        page.set_content(style + markup)
        return Image.open(io.BytesIO(page.screenshot())).convert("RGB")

    for figure in drawn:
        original = figure.svg.decode("utf-8")
        one = shot(original[original.index("<svg ") :])
        other = shot("".join([inlined.shapes, inlined.figures[figure.name]]))
        assert ImageStat.Stat(one.convert("L")).stddev[0] > 5  # something is there
        far = ImageChops.difference(one, other).convert("L").point(lambda value: value > 64 and 255)
        assert ImageStat.Stat(far).sum[0] / 255 < 0.0005 * one.width * one.height, figure.name
    page.close()
