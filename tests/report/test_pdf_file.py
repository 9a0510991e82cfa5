"""What is in the PDF's file: fonts, links, hashes; and that nothing a prompt says is markup."""

from __future__ import annotations

import re

import pytest

from anatomy.report import figures, pdf
from anatomy.report.blocks import (
    Bullets,
    Card,
    Cards,
    Cell,
    Code,
    Column,
    Definitions,
    Document,
    Entry,
    FigureBlock,
    Fold,
    Heading,
    Link,
    Paragraph,
    Row,
    Section,
    Strong,
    Table,
    numbered,
)
from anatomy.report.document import document
from anatomy.report.printable import printable
from anatomy.report.references import resolved
from tests.report.papers import Print, blanks, dense

# What typst, or a reader of PDFs, would take for something else; and how it must be shown.
MARKUP = [
    '#import "x.typ": *',
    '#read("/etc/passwd")',
    "#panic()",
    "$x^2 / y$",
    "`raw`",
    "*bold*",
    "_it_",
    "[link]",
    "<label>",
    r"\u{41}",
    "@ref",
    "= heading",
    "- item",
    "+ item",
    "/ term: x",
    "// comment",
    "/* comment */",
    "a -- b --- c ~ ...",
    "\"straight\" 'quotes'",
    "https://example.com/a?b=c&d",
    "<script>alert(1)</script>",
    "(a) Tj ET %%EOF endobj",
    "x" * 300,
    "/a/long/path/" * 12,
    "fi ffl ﬁ",
    "שלום abc مرحبا",
    "e\u0301\u0323 a\u0308",
    "ñ Ω ж ∑ → ☃",
]
ESCAPED = {
    "\x00\x07\x1b[31m": r"\x00\x07\x1b[31m",
    "a\nb\tc\r": r"a\nb\tc\r",
    "a \u202edog\u2066": r"a \u202edog\u2066",
    "\u200b\u200d\ufeff\u00ad\u2028": r"\u200b\u200d\ufeff\xad\u2028",
    "\u00a0\u2003": r"\xa0\u2003",
    "\ufe0f\u034f\u3164\u2800": r"\ufe0f\u034f\u3164\u2800",
    "猫 カ 한": r"\u732b \u30ab \ud55c",
    "👩‍🚀 🦊": r"\U0001f469\u200d\U0001f680 \U0001f98a",
    "\ud800x": r"\ud800x",
    "\U000e0041": r"\U000e0041",
    "क्षि": r"\u0915\u094d\u0937\u093f",
}


def shows(words: str, paper: Print) -> bool:
    """Whether the words stand there; a ligature may be read back as its letters."""
    expected = dense(printable(words))
    return expected in paper.dense or expected.replace("ﬁ", "fi") in paper.dense


def hostile(words: str) -> Document:
    """A document that says these words in every place that there is."""
    table = Table(
        id="t",
        label=words,
        caption=(words, Strong(words), Code(words)),
        columns=(Column(words, left=True), Column(words, group=words), Column("n", group=words)),
        rows=(
            Row((Cell(words), Cell(words, words), Cell("1"))),
            Row((Cell(words), Cell(words, style="code"), Cell(words, style="tag")), kind="all"),
            Row((Cell(words), Cell(words, style="left", columns=2)), kind="paper"),
        ),
    )
    narrow = Table("u", words, words, table.columns[:2], (Row((Cell(words), Cell("1"))),) * 9)
    entry = Entry("e", words, words, words, words, ((words, words),), words)
    blocks = (
        Heading("h", words),
        Paragraph((words, Strong(words), Code(words), Link(words, "e"), Link(words, "nowhere"))),
        *(Paragraph(words, tone) for tone in ("advice", "absent", "notice")),
        Bullets((words, words)),
        Definitions(((words, words),)),
        Cards((Card(words, words, words),)),
        table,
        FigureBlock("f"),
        Fold(words, (Heading("k", words), Paragraph(words), narrow)),
    )
    sections, references = resolved(
        numbered([Section("s", words, blocks), Section("l", words, (entry,), columns=2)])
    )
    return Document(
        title=words,
        short=words,
        subtitle=words,
        notice=words,
        foot=words,
        sections=sections,
        references=(*references, words),
        closing=words,
        mark="anatomy:findings",
        digest="0" * 64,
        generator=words,
        made="2026-01-01T00:00:00+00:00",
    )


def set_in_type(words: str) -> Print:
    whole = hostile(words)
    return Print(pdf.render(whole, blanks(whole)))


@pytest.fixture(scope="module")
def data(findings):
    return pdf.render(document(findings), figures.render(findings))


@pytest.fixture(scope="module")
def everything(data):
    """The PDFs of real findings with their figures, and of all that is hostile at once."""
    return [Print(data), set_in_type(" ".join([*MARKUP, *ESCAPED]))]


@pytest.mark.parametrize("words", MARKUP)
def test_markup_is_shown_as_it_is(words):
    paper = set_in_type(words)
    count = paper.dense.count(dense(words)) or paper.dense.count(dense(words).replace("ﬁ", "fi"))
    assert count > 30 or "שלום" in words, paper.text  # right to left is read back in any order
    assert len(paper.pages) < 12


@pytest.mark.parametrize("words", ESCAPED)
def test_what_no_font_draws_or_nobody_sees_is_shown_as_an_escape(words):
    paper = set_in_type(words)
    assert paper.dense.count(dense(ESCAPED[words])) > 30, paper.text
    assert not {c for c in words if not c.isascii() or ord(c) < 9} & set(paper.text)


def test_no_glyph_is_an_empty_box(everything):
    for paper in everything:
        glyphs = list(paper.glyphs())
        assert len(glyphs) > 2_000
        assert {font for font, glyph in glyphs if glyph == 0} == set()
        families = {re.match(r"/[A-Z]+\+([A-Za-z]+)", font)[1] for font, _ in glyphs}
        assert families <= {"LibertinusSerif", "DejaVuSans", "DejaVuSansMono"}


def test_an_empty_box_would_be_seen(monkeypatch):
    monkeypatch.setattr("anatomy.report.printable.printable", lambda text: text)
    monkeypatch.setattr("anatomy.report.pdf.printable", lambda text: text)
    assert [glyph for _, glyph in set_in_type("猫").glyphs() if glyph == 0]


def test_all_fonts_are_embedded(everything):
    for paper in everything:
        fonts = [d for d in paper.dictionaries() if d.get("/Type") == "/Font"]
        described = [d for d in paper.dictionaries() if d.get("/Type") == "/FontDescriptor"]
        assert described
        assert all("/FontFile2" in d or "/FontFile3" in d for d in described)
        assert all(d["/Subtype"] == "/Type0" or "/FontDescriptor" in d for d in fonts)
        for font in fonts:
            for below in font.get("/DescendantFonts", []):
                assert "/FontDescriptor" in below.get_object()


def test_nothing_leads_out_of_the_file_or_runs(everything):
    for paper in everything:
        for thing in paper.dictionaries():
            for name in ("/URI", "/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/AA", "/Launch"):
                assert name not in thing
            assert thing.get("/S") not in ("/URI", "/JavaScript", "/Launch", "/GoToR", "/GoToE")
            assert thing.get("/OpenAction") is None
        links = [d for d in paper.dictionaries() if d.get("/Subtype") == "/Link"]
        assert links
        assert all("/Dest" in d or d["/A"]["/S"] == "/GoTo" for d in links)


def test_the_file_says_what_it_is_and_ends_with_the_digest(data, findings):
    about = Print(data).reader.metadata
    assert about.title == document(findings).short
    assert about.author == findings.generator
    assert findings.digest in about["/Keywords"].split()
    assert data.endswith(f"%anatomy:findings {findings.digest}\n".encode())
    assert len(data) < 3_000_000


def test_the_same_findings_give_the_same_bytes(findings):
    whole = document(findings)
    once, again = (pdf.render(whole, blanks(whole)) for _ in range(2))
    assert once == again
    assert pdf.render(whole, blanks(whole), "letter") != once


def test_figures_are_drawn_not_photographed_and_say_what_they_show(data, findings):
    paper = Print(data)
    images = [d for d in paper.dictionaries() if d.get("/Subtype") == "/Image"]
    assert sum(d["/Width"] * d["/Height"] for d in images) < 100_000
    described = {d["/Alt"] for d in paper.dictionaries() if d.get("/S") == "/Figure"}
    assert described >= {printable(f.alternative) for f in figures.render(findings)}


def test_tables_and_headings_are_tagged(data, findings):
    kinds = [d.get("/S") for d in Print(data).dictionaries() if d.get("/Type") == "/StructElem"]
    assert kinds.count("/Table") >= len(document(findings).tables)
    assert "/TH" in kinds and "/H1" in kinds
