"""Reports of findings that say hostile things: they render, and nothing of it becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from anatomy.findings import Findings
from anatomy.report import figures, html, pdf
from anatomy.report.blocks import Document
from anatomy.report.document import document
from anatomy.report.figures import Rendered
from anatomy.report.files import refusing as rendering
from tests.fuzz import mutate
from tests.fuzz.documents import findings
from tests.fuzz.target import BrokenError, Target, put, refusing
from tests.report.papers import Print, blanks

_LOADS = {"img", "iframe", "object", "embed", "form", "base", "link", "audio", "video"}
_PIXELS = "data:image/png;base64,"  # of a map of numbers, in a figure
_LEADS_OUT = ("/URI", "/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/AA", "/Launch")


class _Page(HTMLParser):
    """Complains of what no report of ours has."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if mutate.MARK in tag or tag in _LOADS:
            raise BrokenError(f"<{tag}> in the page")
        for name, value in attrs:
            if name.startswith("on") or mutate.MARK in name:
                raise BrokenError(f"{tag} has {name}")
            own = ("#", _PIXELS) if tag == "image" else "#"
            if name in ("href", "src", "xlink:href") and not (value or "").startswith(own):
                raise BrokenError(f"{tag} leads to {value!r:.80}")

    def handle_comment(self, data: str) -> None:
        if mutate.MARK in data:
            raise BrokenError("a comment that says a string of the findings")

    def unknown_decl(self, data: str) -> None:
        raise BrokenError(f"declares {data!r:.80}")


def _document(data: bytes) -> Document:
    return document(Findings.load(put("findings.json", data)))


def check_page(page: bytes) -> None:
    parser = _Page()
    parser.feed(page.decode("utf-8"))
    parser.close()


def _page(data: bytes) -> None:
    with refusing():
        whole = _document(data)
        check_page(html.render(whole, blanks(whole)))


def _paper(data: bytes) -> None:
    with refusing():
        whole = _document(data)
        paper = Print(pdf.render(whole, blanks(whole)))
        for thing in paper.dictionaries():
            if any(name in thing for name in _LEADS_OUT) or thing.get("/S") in _LEADS_OUT:
                raise BrokenError("the PDF leads out of itself, or runs something")


def _check_figure(figure: Rendered) -> None:
    for element in ET.fromstring(figure.svg).iter():  # noqa: S314 (of our own making)
        name = element.tag.rpartition("}")[2]
        active = [key for key in element.attrib if key.startswith("on") or mutate.MARK in key]
        if mutate.MARK in name or name in ("script", "foreignObject") or active:
            raise BrokenError(f"<{name}> in a figure")
    figure.csv.decode("utf-8")


def _whole(data: bytes) -> None:
    """Figures drawn, in the page and on paper."""
    with refusing():
        found = Findings.load(put("findings.json", data))
        drawn = figures.render(found)
        for figure in drawn:
            _check_figure(figure)
        whole = document(found)
        check_page(html.render(whole, drawn))
        pdf.render(whole, drawn)


def _changed(data: bytes) -> None:
    """Findings that validate and yet say what no audit found: a page, or one line."""
    with refusing():
        found = Findings.load(put("findings.json", data))
        with rendering("findings.json: its report", "run the audit again"):
            whole = document(found)
            page = html.render(whole, blanks(whole))
        check_page(page)


TARGETS = [
    Target("report-page", _page, findings, mutate.strings, 10),
    Target("report-paper", _paper, findings, mutate.strings, 2),
    Target("report-figures", _whole, findings, mutate.strings, 1),
    Target("report-changed", _changed, findings, mutate.document, 20),
]
