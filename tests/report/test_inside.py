"""The sections that need weights, on the page and in the figures."""

from __future__ import annotations

import re

import pytest

from anatomy.findings import Findings
from anatomy.report import figures, html
from anatomy.report.document import document
from anatomy.report.render import render
from tests.inside.samples import run, save
from tests.report.test_html import Page


@pytest.fixture(scope="module")
def findings(inside_findings) -> Findings:
    return inside_findings


@pytest.fixture(scope="module")
def drawn(findings):
    return figures.render(findings)


@pytest.fixture(scope="module")
def page(findings, drawn):
    return Page(html.render(document(findings), drawn))


def test_every_number_of_the_inside_is_on_the_page(findings, page):
    for encoder in findings.encoders:
        inside = encoder.inside
        for part in inside.embedding.spectra:
            assert f"{part.effective_rank:,.1f}" in page.text
            assert f"{part.effective_rank_energy:,.1f}" in page.text
        for row in inside.embedding.factorised:
            assert f"{row.parameters_used:,}" in page.text
        assert f"{inside.positions.mean_rest:.3f}" in page.text
        for cloud in inside.outputs.clouds:
            for estimate in (cloud.two_nn, cloud.harmonic):
                assert (
                    f"{estimate.value:.1f} [{estimate.low:.1f}, {estimate.high:.1f}]" in page.text
                )
        combined = inside.outputs.clouds[0]
        for row in combined.mle:
            assert f"{row.reference:.3f}" in page.text
        assert [other.name for other in combined.others] == ["lPCA", "MOM"]
        assert f"{combined.others[0].value:.3f}" in page.text
        assert inside.files[0].sha256 in page.text
        for advice in (inside.embedding.advice, inside.positions.advice, inside.outputs.advice):
            assert advice in page.text


def test_the_paper_stands_beside_sam3_and_nobody_else(page):
    assert page.text.count("the paper's 943") == 1
    assert page.text.count("the paper's 0.54 0.76–0.79 1.5 20 7") == 1


def test_encoders_stand_side_by_side(findings, page):
    table = page.text.split("Encoders side by side:")[1].split("Sources")[0]
    for encoder in findings.encoders:
        size, mean = f"{encoder.vocabulary_size:,}", f"{encoder.lengths[0].mean:.2f}"
        rank = f"{encoder.inside.outputs.main.linear.effective_rank:,.1f}"
        assert re.search(rf"{encoder.name} {size} .*{mean} .*{rank}", table)


def test_figures_of_the_inside(findings, drawn):
    names = [figure.name for figure in drawn]
    for kind in ("spectrum", "positions", "dimension", "scale"):
        assert f"{kind}-minilm" in names and f"{kind}-sam3" in names
    assert len(set(names)) == len(names)


def test_the_same_findings_give_the_same_bytes(findings):
    assert render(findings) == render(Findings.model_validate(findings.model_dump()))


def test_ids_are_unique_and_links_have_targets(page):
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_what_was_not_measured_is_said(tmp_path):
    folder = save(tmp_path)
    (folder / "few.txt").write_text("a dog\na cat\n")
    found = run(folder, ["sam3", "minilm=DIR/bert"], sources=["few.txt"])
    page = Page(html.render(document(found), figures.render(found)))
    assert "sam3 : not measured: no weights for sam3 here; pass --encoder sam3=PATH" in page.text
    assert "2 distinct points of 2 drawn; an estimate needs 20" in page.text
