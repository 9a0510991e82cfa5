from __future__ import annotations

import io
import unicodedata
from dataclasses import replace

import pytest
from pypdf import PdfReader

from anatomy.report import html
from anatomy.report.blocks import Cell, Column, Row, Section, Table

pytestmark = pytest.mark.browser

A4 = round((210 - 2 * 14) / 25.4 * 96)  # CSS pixels between the margins


def squeezed(text):
    """Without white space and ligatures."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def wide(columns):
    """A section with a table of so many columns of numbers."""
    titles = [Column("Source", left=True)]
    titles += [
        Column("Density", group=f"L = {at // 3}", opens=at % 3 == 0) for at in range(columns)
    ]
    cells = (Cell("a-source-with-a-name"), *(Cell(f"{at / 10:.4f}") for at in range(columns)))
    table = Table("wide", "Wide", "Many columns.", tuple(titles), (Row(cells),) * 3, number=99)
    return Section("more", "More", (table,))


# Reading the figures' many lines would take most of the time.
NO_FIGURES = "figure { display: none }"


def sheets(page, **options):
    """The text of each printed sheet, without the number that it carries."""
    pages = PdfReader(io.BytesIO(page.pdf(**options))).pages
    texts = [squeezed(page.extract_text()) for page in pages]
    numbers = [f"{at}/{len(texts)}" for at in range(1, len(texts) + 1)]
    assert all(number in text for number, text in zip(numbers, texts, strict=True))
    return [text.replace(number, "", 1) for number, text in zip(numbers, texts, strict=True)]


def test_paper_has_every_table_whatever_the_screen_hides(visit, report):
    with visit() as page:
        page.add_style_tag(content=NO_FIGURES)
        page.locator(".sieve button").last.click()
        page.locator(".sieve button", has_text="holds").click()
        printed = sheets(page, format="A4")
        assert page.locator(".entry.sieved").count() > 0  # the screen stays as it was
        assert page.locator(".fold[open]").count() == 0
    text = "".join(printed)
    for table in report.tables:
        assert f"Table{table.number}." in text
        for row in table.rows:
            for cell in row.cells:
                assert squeezed(cell.text) in text
    for block in report.walk():
        if block.kind == "entry":
            assert squeezed(block.title) in text
            assert squeezed(block.explanation) in text
    assert "Skiptothecontent" not in text


def test_without_scripts_folds_are_open_and_every_sheet_has_the_notice(
    visit, report, drawn, tmp_path
):
    sections = tuple(s for s in report.sections if s.id in ("sources", "ledger"))
    foot = "Contains stand-ins: \\x\"'}<b>"
    noticed = replace(report, sections=sections, notice="Contains stand-ins.", foot=foot)
    path = tmp_path / "noticed.html"
    page = html.render(noticed, drawn).decode("utf-8").replace("</style>", f"{NO_FIGURES}</style>")
    path.write_text(page, encoding="utf-8")
    with visit(path.as_uri(), java_script_enabled=False) as page:
        printed = sheets(page, format="Letter")
    assert len(printed) > 5
    assert all(squeezed(foot) in sheet for sheet in printed)
    text = "".join(sheet.replace(squeezed(foot), "") for sheet in printed)
    for block in noticed.walk():
        if block.kind == "entry":
            assert squeezed(block.explanation) in text
        if block.kind == "fold":
            assert squeezed(block.title) in text
        if block.kind == "table":  # one of them in the fold
            assert all(squeezed(cell.text) in text for row in block.rows for cell in row.cells)


def test_no_table_is_cut_on_paper(visit, report, drawn, tmp_path):
    path = tmp_path / "wide.html"
    sections = (*report.sections, wide(24))
    path.write_bytes(html.render(replace(report, sections=sections), drawn))
    with visit(path.as_uri(), width=A4) as page:
        page.emulate_media(media="print")
        rights = page.locator("table").evaluate_all(
            "all => all.map(table => [table.closest('.scroll').id, "
            "table.getBoundingClientRect().right])"
        )
        assert len(rights) > 12
        assert [name for name, right in rights if right > A4 + 1] == []
