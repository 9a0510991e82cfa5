"""A comparison as a page, a PDF and figures, and in a folder."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from anatomy import audit
from anatomy.comparison import Comparison, compare
from anatomy.report import html
from anatomy.report.comparison import figures
from anatomy.report.comparison.document import document
from anatomy.report.comparison.render import render
from anatomy.report.comparison.words import change_of, relative, signed, value_of
from anatomy.report.write import COMPARISON, is_mix, write
from tests.comparison.conftest import after, before, place, run  # noqa: F401 (fixtures)
from tests.report.conftest import HOSTILE_PROMPTS
from tests.report.test_html import Page

HOSTILE = ["<script>alert(1)</script>", "{{7*7}}$x$", '#import "x" \x1b[31m']


@pytest.fixture(scope="module")
def pair(before, after) -> Comparison:  # noqa: F811
    return compare({"before": before, "after": after})


@pytest.fixture(scope="module")
def files(pair):
    return render(pair)


@pytest.fixture(scope="module")
def page(files):
    return Page(files["compare.html"])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Three audits under hostile labels, of sources with hostile names."""
    folder = tmp_path_factory.mktemp("hostile")
    audits = {}
    for at, label in enumerate(HOSTILE):
        path = folder / "<b>{{7*7}}$x$ #import.txt"
        path.write_text("\n".join(HOSTILE_PROMPTS[at:]), encoding="utf-8")
        audits[label] = audit([str(path), "lvis"], data=folder)
    return compare(audits)


def text_of_pdf(data: bytes) -> str:
    pages = PdfReader(io.BytesIO(data)).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    return text.replace("\N{ZERO WIDTH SPACE}", "").replace("\N{NO-BREAK SPACE}", " ")


def test_every_number_and_every_verdict_is_on_the_page(pair, page):
    for measure in pair.measures:
        change = measure.changes[1]
        for value in measure.values:
            assert value_of(measure, value) in page.text
            if value.low is not None:
                assert f"[{value.low:.2f}, {value.high:.2f}]" in page.text
        assert change_of(measure, change) in page.text
        assert relative(change) in page.text
        assert change.verdict in page.text
    for audit_ in pair.audits:
        assert audit_.digest in page.text
    assert pair.digest in page.text


def test_every_number_is_on_paper(pair, files):
    text = text_of_pdf(files["compare.pdf"])
    for measure in pair.measures:
        for value in measure.values:
            assert value_of(measure, value) in text
        assert change_of(measure, measure.changes[1]) in text
    assert pair.digest in text.replace(" ", "")


def test_the_summary_says_what_differs_and_what_moved_most(pair, page):
    assert (
        "Against before, after reads other prompts of mine (other files or columns)." in page.text
    )
    moved = page.text.split("What moved most")[1].split("Figure 1")[0]
    assert "Dimension by MLE" in moved
    counted = sum(m.changes[1].verdict == "exact" for m in pair.measures)
    assert f"{counted} of " in page.text


def test_every_link_has_a_target_and_ids_are_unique(page):
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for name, value in page.attributes if name in ("href", "xlink:href")}
    assert wanted <= set(ids)


def test_every_file_carries_the_digest_and_figures_are_sound(pair, files):
    for name, data in files.items():
        assert pair.digest.encode() in data, name
    figures = [name for name in files if name.startswith("figures/")]
    stems = {re.sub(r"figures/(.*)\.\w+$", r"\1", name) for name in figures}
    assert stems == {"compare-moved", "compare-context-minilm", "compare-dimension-minilm"}
    for stem in stems:
        assert ET.fromstring(files[f"figures/{stem}.svg"]).tag.endswith("svg")  # noqa: S314
        assert files[f"figures/{stem}.png"].startswith(b"\x89PNG")
    drawn = pd.read_csv(io.BytesIO(files["figures/compare-moved.csv"]), comment="#")
    shown = drawn.set_index("label").y["Distinct prompts"]
    assert shown == pytest.approx(pair.audits[1].prompts / pair.audits[0].prompts, rel=1e-5)
    assert list(files)[-1] == "compare.json"


def test_the_same_comparison_gives_the_same_bytes(pair, files):
    assert render(Comparison.model_validate(pair.model_dump())) == files


def words_of(comparison: Comparison) -> str:
    """All that a document says, without setting it."""
    return repr(document(comparison))


def test_the_same_audit_twice_says_that_nothing_changed(before):  # noqa: F811
    same = compare({"one": before, "two": before})
    words = words_of(same)
    assert "The findings of two are those of one: their hashes are equal." in words
    assert f"Nothing changed: all {len(same.measures)} numbers are the same." in words
    assert "What moved most" not in words
    assert "compare-moved" not in words  # the figure


def test_another_encoder_is_said_aloud(before, run):  # noqa: F811
    sam3 = run("mine=before.txt", encoders=["sam3"])
    words = words_of(compare({"a": before, "b": sam3}))
    aloud = "sam3 stands against minilm, with another tokenizer on the same prompts"
    assert words.count(aloud) >= 3  # summary, context, vocabulary
    assert "sam3 has another vocabulary: its ids mean other tokens" in words
    other = run("mine=after.txt", encoders=["sam3"])
    assert "cannot be laid to either" in words_of(compare({"a": before, "b": other}))
    assert "stands against" not in words_of(compare({"a": sam3, "b": other})).replace(
        "Stands against it", ""
    ).replace("Which encoder stands against which", "")


def test_outputs_from_files_are_compared_without_any_tokenizer(place, run):  # noqa: F811
    audits = {}
    for seed in (0, 1):
        rows = np.random.default_rng(seed).standard_normal((160, 8)).astype(np.float32)
        np.save(place / f"rows{seed}.npy", rows)
        audits[f"run{seed}"] = run("mine=before.txt", encoders=[f"outputs:DIR/rows{seed}.npy"])
    comparison = compare(audits)
    (role,) = comparison.roles
    assert [standing.paired_by for standing in role.standings] == ["baseline", "only one left"]
    verdicts = {m.name: m.changes[1].verdict for m in comparison.measures if m.role}
    assert verdicts["Dimension by MLE"] == "within"  # two samples of one distribution
    words = words_of(comparison)
    assert "Not compared: the baseline has no tokenizer." in words
    assert "with another file on the same prompts" in words
    assert len(figures.render(comparison)) == 2


def test_names_are_never_markup(hostile):
    files = render(hostile)
    page = Page(files["compare.html"])
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "{{7*7}}$x$" in page.text
    assert "49$x$" not in page.text
    assert "img" not in page.tags
    printed = text_of_pdf(files["compare.pdf"])
    for part in ("<script>", "{{7*7}}$x$", "#import"):
        assert part in printed
    assert "\x1b" not in files["compare.html"].decode()


def test_twelve_audits_are_one_row_each(before, after):  # noqa: F811
    many = compare({f"run{n}": after if n % 3 else before for n in range(12)})
    whole = document(many)
    widest = max(len(table.columns) for table in whole.tables)
    assert widest <= 10
    headlines = next(table for table in whole.tables if table.id == "headlines")
    assert [row.cells[0].text for row in headlines.rows] == many.labels
    page = html.render(whole, figures.render(many))
    assert len(page) < 3_000_000


def test_stand_ins_are_announced_on_page_paper_and_figures(tmp_path):
    real = audit(["lvis"], data=tmp_path)
    mixed = audit(["lvis", "rf100vl"], data=tmp_path, stand_ins=True)
    comparison = compare({"real": real, "mixed": mixed})
    whole = document(comparison)
    assert "Contains stand-ins: rf100vl in mixed." in whole.notice
    assert whole.foot
    numbers = [table for table in whole.tables if table.id != "encoders"]
    assert all("(with stand-ins)" in repr(table.caption) for table in numbers)
    assert all("Contains stand-ins." in figure.caption for figure in figures.render(comparison))


def test_real_prompts_are_not_announced_as_stand_ins(pair):
    assert "stand-ins" not in words_of(pair)
    assert not document(pair).notice


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def report(digest: str) -> dict[str, bytes]:
    """What is needed of a report to tell it from others."""
    marked = f"<!-- anatomy:findings {digest} -->".encode()
    return {
        "report.html": marked,
        f"figures/lengths-{digest[:3]}.svg": marked,
        "findings.json": f'{{"digest": "{digest}"}}'.encode(),
    }


@pytest.fixture(scope="module")
def others(pair, files):
    """The files of another comparison, with one figure less."""
    digest = pair.digest.encode()
    moved = {name: data.replace(digest, b"0" * 64) for name, data in files.items()}
    return {name: data for name, data in moved.items() if "moved" not in name}


def test_a_report_and_a_comparison_share_a_folder(files, others, tmp_path):
    one, two = report("1" * 64), report("2" * 64)
    write(one, tmp_path)
    written = write(files, tmp_path, COMPARISON)
    assert (written.mended, written.page.name) == (False, "compare.html")
    assert contents(tmp_path) == one | files
    assert not is_mix(tmp_path)
    assert not is_mix(tmp_path, COMPARISON)
    assert not write(others, tmp_path, COMPARISON).mended  # replaces the first, figures too
    assert contents(tmp_path) == one | others
    assert not write(two, tmp_path).mended
    assert contents(tmp_path) == two | others


def test_a_mix_of_two_comparisons_is_seen_and_mended(files, others, tmp_path):
    write(files, tmp_path, COMPARISON)
    (tmp_path / "compare.html").write_bytes(others["compare.html"])  # as a kill leaves it
    assert is_mix(tmp_path, COMPARISON)
    assert not is_mix(tmp_path)
    assert write(files, tmp_path, COMPARISON).mended
    assert contents(tmp_path) == files


@pytest.mark.parametrize(
    ("difference", "unit", "text"),
    [
        (3, "count", "+3"),
        (-31_019, "count", "−31,019"),
        (0.25, "share", "+25.0 pp"),
        (-0.000012, "share", "−0.0012 pp"),
        (0.00004, "tokens", "+4e-05"),
        (1.8233, "tokens", "+1.8233"),
        (-0.0004, "dimension", "−0.0004"),
    ],
)
def test_a_change_never_rounds_to_nothing(difference, unit, text):
    assert signed(difference, unit) == text
