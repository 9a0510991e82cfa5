from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

pytestmark = pytest.mark.browser

LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 24, 29)"
PAPER = "document.body && getComputedStyle(document.body).backgroundColor"
# The first thing that a figure draws is its own paper.
SHEET = "getComputedStyle(document.querySelector('figure svg path')).fill"


@pytest.mark.parametrize(("scheme", "paper"), [("light", LIGHT), ("dark", DARK)])
def test_dark_follows_the_system_and_the_button(visit, scheme, paper):
    other = {LIGHT: DARK, DARK: LIGHT}[paper]
    with visit(color_scheme=scheme) as page:
        assert page.evaluate(PAPER) == page.evaluate(SHEET) == paper
        button = page.locator("#theme")
        assert button.inner_text() == {"light": "Dark", "dark": "Light"}[scheme]
        button.press("Enter")
        assert page.evaluate(PAPER) == page.evaluate(SHEET) == other
        button.click()
        assert page.evaluate(PAPER) == page.evaluate(SHEET) == paper
        page.emulate_media(media="print")
        assert page.evaluate(PAPER) == LIGHT


def test_the_page_never_scrolls_sideways(visit):
    with visit() as page:
        page.locator("main details").evaluate_all("all => all.forEach(d => { d.open = true })")
        for width in (320, 360, 768, 1024, 1152, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_contents_beside_the_text_follow_the_reader(visit, report):
    with visit() as page:
        links = page.locator(".contents a")
        assert links.first.is_visible()
        for section in report.sections:
            assert page.locator(f".contents a[href='#{section.id}']").is_visible()
        page.locator(".contents a[href='#overlap']").click()
        page.wait_for_selector(".contents a[href='#overlap'][aria-current]")
        assert page.locator(".contents [aria-current]").count() == 1
        assert page.locator(".contents a[href='#ledger-of-corpus']").count() == 1
        assert not page.locator(".contents a[href='#ledger-of-corpus']").is_visible()


def test_contents_above_the_text_open_on_demand(visit):
    with visit(width=360) as page:
        summary = page.locator(".contents summary")
        link = page.locator(".contents a[href='#ledger']")
        page.evaluate("scrollTo({ top: 3000, behavior: 'instant' })")
        assert summary.bounding_box()["y"] == pytest.approx(0, abs=1)  # always in sight
        assert not link.is_visible()
        summary.focus()
        page.keyboard.press("Enter")
        assert link.is_visible()
        page.keyboard.press("Escape")
        assert not link.is_visible()
        summary.click()
        link.click()
        assert not link.is_visible()
        page.wait_for_function(
            "() => { const y = document.querySelector('#ledger').getBoundingClientRect().top;"
            "return y > 20 && y < 120; }"  # below the bar, not under it
        )


def test_every_link_leads_somewhere_and_unfolds_it(visit, address):
    with visit() as page:
        assert page.locator("a:not([href^='#'])").count() == 0
        lost = page.locator("a").evaluate_all(
            "all => all.map(a => a.hash.slice(1)).filter(id => !document.getElementById(id))"
        )
        assert lost == []
        ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
        assert Counter(ids).most_common(1)[0][1] == 1
    for inner in ("table-tokens-sam3", next(name for name in ids if name.startswith("ledger-p"))):
        with visit(f"{address}#{inner}") as page:
            assert page.locator(f"#{inner} dl, #{inner} tbody").first.is_visible()


def test_the_ledger_shows_the_verdicts_asked_for(visit, findings):
    verdicts = Counter(entry.verdict for entry in findings.ledger)
    with visit() as page:
        bar = page.locator(".sieve")
        shown = page.locator(".entry").locator("visible=true")
        assert shown.count() == len(findings.ledger)
        for verdict, count in verdicts.items():
            button = bar.get_by_role("button", name=f"{verdict} {count}", exact=True)
            button.click()
            assert button.get_attribute("aria-pressed") == "true"
            assert bar.locator("[aria-pressed=true]").count() == 1
            assert shown.count() == count
            assert set(shown.evaluate_all("all => all.map(e => e.dataset.verdict)")) == {verdict}
            groups = {e.group for e in findings.ledger if e.verdict == verdict}
            assert page.locator("#ledger h3").locator("visible=true").count() == len(groups)
        bar.get_by_role("button", name="Unfold all").click()
        assert page.locator(".entry[open]").count() == count
        other = next(e for e in findings.ledger if e.verdict != verdict)
        page.evaluate("id => { location.hash = id }", f"ledger-{other.id}")
        page.locator(f"#ledger-{other.id} dl").wait_for(state="visible")
        assert shown.count() == len(findings.ledger)


def test_headings_and_landmarks_are_in_order(visit):
    with visit() as page:
        levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
            "all => all.map(heading => Number(heading.tagName[1]))"
        )
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))
        for role in ("banner", "navigation", "main", "contentinfo"):
            assert page.get_by_role(role).count() == 1
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_what_has_the_focus_shows_it(visit):
    with visit() as page:
        for _ in range(25):
            page.keyboard.press("Tab")
            style = page.evaluate(
                "(() => { const s = getComputedStyle(document.activeElement);"
                "return [s.outlineStyle, s.outlineWidth]; })()"
            )
            assert style[0] != "none" and float(style[1].removesuffix("px")) >= 1


def test_nothing_moves_by_itself(visit):
    with visit() as page:
        assert page.evaluate("document.getAnimations().length") == 0
        page.locator(".contents a[href='#ledger']").click()
        top = page.evaluate("document.querySelector('#ledger').getBoundingClientRect().top")
        assert 0 <= top < 60  # there at once
