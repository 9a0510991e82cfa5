from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from anatomy.report import figures, html
from anatomy.report.document import document


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.pieces: list[str] = []
        self.feed(page.decode("utf-8"))
        self.text = " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.pieces.append(data)


@pytest.fixture(scope="module")
def drawn(findings):
    return figures.render(findings)


@pytest.fixture(scope="module")
def page(findings, drawn):
    return Page(html.render(document(findings), drawn))


def test_the_page_is_small_alone_and_runs_its_own_script_only(findings, drawn, page):
    data = html.render(document(findings), drawn)
    assert len(data) < 3_000_000
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert links
    assert all(value.startswith("#") for value in links)
    assert not re.findall(rb"url\((?!#)|@import", data)
    policy = next(value for _, value in page.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    allowed = re.search(r"script-src 'sha256-([^']+)'", policy)[1]
    scripts = re.findall(rb"<script>(.*?)</script>", data, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    assert digests == [allowed]
    inert = re.findall(rb'<script type="application/json"[^>]*>(.*?)</script>', data, re.DOTALL)
    assert page.tags.count("script") == len(scripts) + len(inert)
    assert all(json.loads(block) for block in inert)


def test_markup_in_names_and_tokens_is_shown_as_it_is(page):
    assert "<b>{{7*7}}$x$" in page.text  # not bold, not 49, not an equation
    assert "49</b>" not in page.text
    assert page.tags.count("b") < 60  # the page's own


def test_every_inner_link_and_reference_has_a_target(page):
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for name, value in page.attributes if name in ("href", "xlink:href")} | {
        value[5:-1] for _, value in page.attributes if value.startswith("url(#")
    }
    assert wanted <= set(ids)


def test_the_tables_hold_the_numbers_of_the_findings(findings, page):
    for group in findings.encoders[0].lengths:
        assert f"{group.mean:.4f}" in page.text
        assert f"{group.tokens:,}" in page.text
        for row in group.contexts:
            assert f"{row.density:.4f}" in page.text
    for entry in findings.ledger:
        assert " ".join(entry.title.split()) in page.text
    assert findings.digest in page.text


def test_the_summary_has_five_sentences(findings):
    from anatomy.report.sentences import summary

    sentences = summary(findings)
    assert len(sentences) == 5
    assert f"{findings.corpus.unique:,}" in sentences[0]


def test_the_same_findings_give_the_same_bytes(findings, drawn, page):
    again = figures.render(findings)
    assert [figure.svg for figure in again] == [figure.svg for figure in drawn]
    assert [figure.png for figure in again] == [figure.png for figure in drawn]
    assert html.render(document(findings), again) == html.render(document(findings), drawn)


def test_figures_are_sound_svg_and_png(drawn):
    assert len(drawn) == 5
    for figure in drawn:
        root = ET.fromstring(figure.svg)  # noqa: S314 - our own
        assert root.tag.endswith("svg")
        assert figure.png.startswith(b"\x89PNG\r\n\x1a\n")


def test_stand_ins_are_announced_on_page_and_figures(stand_in_findings):
    drawn = figures.render(stand_in_findings)
    page = Page(html.render(document(stand_in_findings), drawn))
    assert "Contains stand-ins" in page.text
    assert all("stand-ins" in figure.caption for figure in drawn)
    captions = re.findall(r"Table \d+\.(?:(?!Table \d).)*?(?=Source|Rank|L )", page.text)
    assert captions
    assert page.text.count("(with stand-ins)") >= 6


def test_real_prompts_are_not_announced_as_stand_ins(page, drawn):
    assert "Contains stand-ins" not in page.text
    assert not any("stand-in" in figure.caption for figure in drawn)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100.0 %"),
        (0.123456, "12.3 %"),
        (0.0003317, "0.033 %"),
        (3.1e-7, "0.000031 %"),
        (0.99999, "99.999 %"),
    ],
)
def test_shares_never_round_something_to_nothing_or_to_everything(value, text):
    from anatomy.report.sentences import percent

    assert percent(value) == text
