"""What the PDF says, and how it stands on its pages."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from anatomy.report.blocks import (
    Bullets,
    Cards,
    Document,
    Entry,
    FigureBlock,
    Heading,
    Paragraph,
    Table,
)
from anatomy.report.document import document
from anatomy.report.printable import printable
from tests.inside.samples import run, save
from tests.report.papers import MM, Print, dense, plain, printed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def three(inside_findings):
    """Findings with three encoders, all with weights."""
    encoders = inside_findings.encoders
    third = encoders[0].model_copy(update={"name": "hf:third"})
    return inside_findings.model_copy(update={"encoders": [*encoders, third]})


@pytest.fixture(scope="module")
def paper(three):
    return printed(three)


# --- what it says -----------------------------------------------------------------------------


def assert_holds_every_table(paper: Print, whole: Document) -> None:
    at = 0
    for table in whole.tables:
        caption = dense(f"Table {table.number}. {printable(plain(table.caption))}")
        at = paper.dense.index(caption, at) + len(caption)
        for row in table.rows:
            line = "".join(dense(printable(c.text + c.note)) for c in row.cells)
            found = paper.dense.find(line, at)
            # Between two rows stands nothing but headings, or the foot and head of a page.
            assert 0 <= found - at < 300, (table.id, line, paper.dense[at : at + 300])
            at = found + len(line)
    assert whole.tables


def test_every_number_of_every_table_is_there_in_order(three, paper):
    whole = document(three)
    assert len(whole.tables) > 20
    assert_holds_every_table(paper, whole)


def test_numbers_of_the_findings_are_there(three, paper):
    """Straight from the findings, past the document that page and paper share."""
    for encoder in three.encoders:
        for group in encoder.lengths:
            assert f"{group.mean:.4f}" in paper.text
            assert f"{group.tokens:,}" in paper.text
        for token in encoder.top_tokens[:10]:
            assert f"{token.count:,}" in paper.text
        for part in encoder.inside.embedding.spectra:
            assert f"{part.effective_rank:,.1f}" in paper.text
        for cloud in encoder.inside.outputs.clouds:
            for estimate in (cloud.two_nn, cloud.harmonic):
                shown = f"{estimate.value:.1f} [{estimate.low:.1f}, {estimate.high:.1f}]"
                assert shown in paper.text
    assert three.digest in paper.dense


def test_every_other_word_is_there_too(three, paper):
    whole = document(three)
    text = dense(paper.text).replace("-", "")  # the typesetter's hyphens among them

    def holds(words):
        assert dense(printable(plain(words))).replace("-", "") in text, words

    for section in whole.sections:
        holds(section.title)
    for block in whole.walk():
        match block:
            case Paragraph():
                holds(block.text)
            case Heading():
                holds(block.title)
            case Bullets():
                for item in block.items:
                    holds(item)
            case Cards():
                for card in block.cards:
                    holds(card.name + card.value + card.note)
            case FigureBlock():
                holds(f"Figure {block.number}. Caption of {block.name}.")
            case Entry():
                for words in (block.title, block.claim, block.explanation):
                    holds(words)
                for name, value in block.facts:
                    holds(name + value)
    for number, reference in enumerate(whole.references, 1):
        holds(f"[{number}] {reference}")
    holds(whole.subtitle)


def test_methods_are_cited_where_they_are_named_and_listed_once(three, paper):
    listed = re.split(r"^References *$", paper.text, flags=re.MULTILINE)[1]
    for name, author in (("TwoNN", "Facco"), ("likelihood", "Levina"), ("rank", "Roy")):
        number = re.search(rf"\[(\d+)\] [^\[]*{author}", listed)[1]
        assert f"{name} [{number}]" in paper.text
    assert len(re.findall(r"^\[\d+\]", listed, re.MULTILINE)) == len(document(three).references)


def test_what_nothing_cites_is_not_listed(findings):
    references = " ".join(document(findings).references)
    assert "Hurlbert" in references
    assert "Levina" not in references  # no weights, no dimension


# --- how it stands ----------------------------------------------------------------------------

SIZES = {"a4": (210, 297), "letter": (215.9, 279.4)}
BOTTOM = {"a4": 273, "letter": 257.4}  # mm, below which only the foot stands


@pytest.fixture(scope="module", params=[("a4", 180), ("letter", 90), ("letter", 260)])
def layout(request, three, inside_findings):
    """Findings in type on some paper, with figures of some height, and the lines of its text."""
    size, height = request.param
    found = three if height == 180 else inside_findings
    paper = printed(found, size, height)
    return document(found), size, paper, list(paper.lines())


def test_nothing_stands_before_its_heading_and_numbers_ascend(layout):
    whole, _, paper, lines = layout
    at: dict[str, tuple[int, float]] = {}
    for page, y, line in lines:
        if start := re.match(r"(Table|Figure) \d+\. ", line):
            at.setdefault(start.group().strip(), (page, y))
    for kind, blocks in (("Table", whole.tables), ("Figure", whole.figures)):
        spots = [at[f"{kind} {block.number}."] for block in blocks]
        assert spots == sorted(spots)

    def heading(name):
        place = paper.reader.named_destinations[name]
        page = paper.reader.get_page_number(place.page.get_object())
        return page, float(paper.reader.pages[page].mediabox.top) - place.top

    for section in whole.sections:
        last = heading(section.id)
        for block in section.blocks:
            if isinstance(block, Heading):
                last = heading(block.id)
            elif isinstance(block, Table):
                assert at[f"Table {block.number}."] >= last
            elif isinstance(block, FigureBlock):
                assert at[f"Figure {block.number}."] >= last


def test_pages_are_full(layout):
    _, size, paper, lines = layout
    bottom = BOTTOM[size] * MM
    lowest = {page: y for page, y, _ in lines if y < bottom}  # lines come from the top down
    gaps = [bottom - lowest[page] for page in range(len(paper.pages) - 1)]
    assert sum(gaps) / len(gaps) < 16 * MM
    assert max(gaps) < 55 * MM


def test_a_heading_is_never_the_last_on_its_page(layout):
    whole, size, _, lines = layout
    titles = {block.title for block in whole.walk() if isinstance(block, Heading)}
    titles |= {section.title for section in whole.sections}
    for (page, y, line), (below, lower, _) in pairwise(lines):
        if y > 22 * MM and re.sub(r"^\d[\d.]*\s+", "", line) in titles:
            assert below == page and lower < BOTTOM[size] * MM, line


def test_every_page_has_the_size_that_was_asked_for(layout):
    _, size, paper, _ = layout
    width, height = SIZES[size]
    for page in paper.reader.pages:
        assert float(page.mediabox.width) == pytest.approx(width * MM, abs=0.5)
        assert float(page.mediabox.height) == pytest.approx(height * MM, abs=0.5)
    assert 12 <= len(paper.pages) <= 40


def test_pages_are_numbered_and_name_the_report(paper):
    for number, text in enumerate(paper.pages, 1):
        assert f"{number} / {len(paper.pages)}" in text
        assert ("Prompt anatomy: " in text) == (number > 1)


def test_the_contents_name_the_right_pages(three, paper):
    for number, section in enumerate(document(three).sections, 1):
        title = f"{number} {section.title.split(':')[0]}"
        page = int(re.search(rf"{title}[ .]*(\d+)\n", paper.pages[0])[1])
        assert title in paper.pages[page - 1]


def test_stand_ins_are_announced_on_every_page(stand_in_findings, paper):
    found = printed(stand_in_findings)
    assert all("Contains stand-in prompts made by anatomy: rf100vl" in t for t in found.pages)
    assert "Contains stand-ins. " in found.pages[0]
    assert "stand-in prompts made" not in paper.text


# --- findings of all kinds --------------------------------------------------------------------


def test_one_encoder_and_no_weights(findings):
    assert_holds_every_table(printed(findings), document(findings))


def test_outputs_of_a_file_and_no_encoder(folder):
    np.save(folder / "out.npy", np.random.default_rng(0).normal(size=(160, 12)).astype("float32"))
    found = run(folder, ["outputs:DIR/out.npy"], sources=["one.txt"], sample=120)
    assert not found.encoders
    paper = printed(found)
    assert_holds_every_table(paper, document(found))
    assert "no encoder with a tokenizer was named" in paper.text


def test_twelve_sources_fit_across_the_page(folder):
    names = [f"a-rather-long-name-{number}" for number in range(12)]
    for number, name in enumerate(names):
        (folder / f"{name}.txt").write_text("\n".join(f"dog {n}" for n in range(number + 1)))
    found = run(folder, ["sam3"], sources=[f"{name}.txt" for name in names])
    paper = printed(found)
    assert_holds_every_table(paper, document(found))
    assert [row[-1] for row in found.corpus.shared] == list(range(1, 13))


def test_a_source_of_one_prompt(folder):
    (folder / "one-prompt.txt").write_text("a dog\n")
    found = run(folder, ["sam3", "minilm=DIR/bert"], sources=["one-prompt.txt"])
    paper = printed(found)
    assert_holds_every_table(paper, document(found))
    assert "One source alone has nothing to overlap with." in paper.text


def test_a_table_that_no_page_holds_goes_on_under_its_headings(folder):
    names = [f"s{number}" for number in range(40)]
    for name in names:
        (folder / f"{name}.txt").write_text(f"a dog of {name}\n")
    found = run(folder, ["sam3"], sources=[f"{name}.txt" for name in names])
    paper = printed(found)
    pages = [text for text in paper.pages if re.search(r"^s\d+ user 1 0", text, re.MULTILINE)]
    assert len(pages) > 1
    assert all("Source Kind Rows Refused" in text for text in pages)
    for name, row in zip(names, found.corpus.shared, strict=True):
        # The matrix is wider than a page: it stands in parts, each with the rows' names.
        parts = [row[at : at + 10] for at in range(0, len(row), 10)]
        for part in parts:
            assert f"{name} {' '.join(map(str, part))}\n" in paper.text + "\n"
