from __future__ import annotations

from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.browser


def violations(page, **options):
    """What axe finds, as (impact, rule, where, what to do)."""
    # The drawings are hidden from those who hear the page; their frames are not.
    result = page.evaluate("options => axe.run({ exclude: ['figure svg'] }, options)", options)
    assert result["passes"]  # it ran
    return [
        (found["impact"], found["id"], node["target"], node["failureSummary"])
        for found in result["violations"]
        for node in found["nodes"]
    ]


@pytest.fixture
def checked(visit, axe):
    """Opens the page with every fold open, every control in use, and axe at hand."""

    @contextmanager
    def opened(**options):
        with visit(**options) as page:
            page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
            page.locator(".explorer [type=number]").first.fill("2")  # words of warning
            page.locator("button.sort").first.click()
            page.locator("#figure-overlap .canvas").press("ArrowRight")
            page.evaluate(axe)
            yield page

    return opened


def test_axe_finds_nothing_by_day_and_by_night(checked):
    with checked() as page:
        assert violations(page) == []
        page.locator("#theme").click()
        assert violations(page, runOnly=["color-contrast"]) == []


@pytest.mark.slow
def test_axe_finds_nothing_on_a_phone_in_the_dark(checked):
    with checked(width=360, color_scheme="dark") as page:
        page.locator(".contents summary").click()
        # A first column that stays over the others hides what lies under it from this rule.
        assert violations(page, rules={"color-contrast": {"enabled": False}}) == []
        assert violations(page, runOnly=["color-contrast"]) == []


def test_forced_colours_hide_nothing(visit):
    with visit(forced_colors="active") as page:
        assert page.locator("#theme").is_visible()
        borders = page.locator(".card, .tag").evaluate_all(
            "all => all.map(one => getComputedStyle(one).borderTopColor)"
        )
        assert borders
        assert not [colour for colour in borders if colour.startswith("rgba")]  # transparent
