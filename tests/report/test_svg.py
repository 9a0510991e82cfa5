from __future__ import annotations

import re
from dataclasses import replace

import pytest

from anatomy.report import figures
from anatomy.report.style import DARK
from anatomy.report.svg import inline, variable


@pytest.fixture(scope="module")
def drawn(findings):
    return figures.render(findings)


def test_no_id_twice_and_every_reference_resolved(drawn):
    inlined = inline(drawn)
    whole = "".join([inlined.shapes, *inlined.figures.values()])
    ids = re.findall(r' id="([^"]+)"', whole)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="#([^"]*)"', whole) + re.findall(r"url\(#([^)]*)\)", whole)
    assert links
    assert set(links) == set(ids)


def test_figures_share_their_letters(drawn):
    again = [replace(figure, name=f"{figure.name}-again") for figure in drawn]
    once, twice = inline(drawn), inline([*drawn, *again])
    assert twice.shapes == once.shapes
    assert len(once.shapes) + sum(map(len, once.figures.values())) < 0.6 * sum(
        len(figure.svg) for figure in drawn
    )


def test_colours_follow_the_page_where_the_night_has_others(drawn):
    for figure in drawn:
        page = inline([figure])
        whole = "".join([page.shapes, *page.figures.values()])
        colours = set(re.findall(rb": (#[0-9a-f]{6})(?=[;\"])", figure.svg))
        changing = {colour for colour in DARK if colour.encode() in colours}
        assert changing
        assert set(re.findall(r"var\(([^)]*)\)", whole)) == set(map(variable, changing))
        assert {c.encode() for c in re.findall(r": (#[0-9a-f]{6})", whole)} == colours - {
            colour.encode() for colour in changing
        }
        assert "<title" not in whole and "<metadata" not in whole  # a hint that says nothing


def test_text_that_is_no_path_stays(drawn):
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        b'<g id="a"><text id="b">a &lt;b&gt; c</text></g></svg>'
    )
    figure = inline([replace(drawn[0], svg=svg)]).figures[drawn[0].name]
    assert figure.startswith('<svg viewBox="0 0 9 9"')
    assert "<text>a &lt;b&gt; c</text>" in figure
