"""The approximate census: exact while it can be, between its bounds beyond, the same for all."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatomy.census import Ask, local, sketch
from anatomy.census.sketch import Sketches, Sketching
from anatomy.cli import main
from anatomy.comparison import compare
from anatomy.corpus.build import open_sources
from anatomy.encoders import resolve
from anatomy.errors import InputError
from anatomy.findings import Findings
from anatomy.inside import InsideOptions
from anatomy.measures import distinct
from anatomy.measures.overlap import CONFIDENCE
from anatomy.pipeline import audit
from tests.encoders.tiny import save_bert

datasketches = pytest.importorskip("datasketches", reason="an extra (sketch), not installed here")

ONE = ["a dog", "A  dog", "a dog", "two dogs", "&amp;", "ﬁsh", "the man's red shirt"] * 3
TWO = ["a dog", "fish", "FISH", "&", "🐶", *(f"cat number {n}" for n in range(300))]
FEW = 1024  # hashes of the sketches that must estimate


@pytest.fixture
def few_hashes(monkeypatch):
    """Sketches that estimate from a thousand prompts on."""
    monkeypatch.setitem(sketch.census.__kwdefaults__, "hashes", FEW)


@pytest.fixture
def many():
    """Three sources of known sizes: 20,000 and 9,000 that share 6,000, and a small one."""
    one = [f"prompt number {n}" + " and more" * (n % 4) for n in range(20_000)]
    two = one[14_000:] + [f"another {n}" for n in range(3_000)]
    return {"one": one * 2, "two": two, "small": [*one[:50], "A DOG", "a dog"]}


def test_what_fits_is_counted_exactly(tmp_path):
    save_bert(tmp_path / "encoder")
    asked = {
        "sources": ["lvis"],
        "prompts": {"one": ONE, "two": TWO},
        "encoders": ["sam3", f"hf:{tmp_path / 'encoder'}"],
        "data": tmp_path,
    }
    assert audit(**asked, approximate=True).digest == audit(**asked).digest


def test_estimates_lie_between_their_bounds(many, few_hashes, tmp_path):
    exact, found = audit(prompts=many), audit(prompts=many, approximate=True)
    bounds = found.corpus.approximation
    assert bounds is not None and exact.corpus.approximation is None
    assert bounds.hashes == FEW
    assert bounds.unique["small"] == (52, 52) and found.sources[2].unique == 52
    assert bounds.share_error["small"] == 0 < bounds.share_error["one"] < 1 / np.sqrt(FEW)
    low, high = bounds.unique["combined"]
    assert low < exact.corpus.unique < high
    assert low <= found.corpus.unique <= high
    for name, source in zip(("one", "two"), exact.sources, strict=False):
        low, high = bounds.unique[name]
        assert low < source.unique <= high < low * 1.2
        low, high = bounds.unique_cleaned["sam3"][name]
        assert low < exact.encoders[0].unique_cleaned[name] <= high
    assert bounds.shared_low[0][1] < exact.corpus.shared[0][1] < bounds.shared_high[0][1]
    assert bounds.shared_low[0][2] <= 50 <= bounds.shared_high[0][2] <= 52
    # A sample of each source, its small one whole; of the union what no source has left out.
    combined, one, two, small = found.encoders[0].lengths
    assert (one.prompts, two.prompts, small.prompts) == (FEW, FEW, 52)
    assert combined.prompts < 2 * FEW
    of_all = exact.encoders[0].lengths[0]
    share = combined.measure.truncation(8) - of_all.measure.truncation(8)
    assert abs(share) < bounds.share_error["combined"]
    # The document holds it, and can be read again.
    (tmp_path / "findings.json").write_bytes(found.to_json())
    assert Findings.load(tmp_path).corpus.approximation == bounds


def test_encoders_read_the_same_prompts(many, few_hashes, tmp_path):
    save_bert(tmp_path / "encoder")
    asked = {"prompts": many, "encoders": f"hf:{tmp_path / 'encoder'}"}
    exact, found = (
        audit(**asked, inside=InsideOptions(sample=60), approximate=way) for way in (False, True)
    )
    clouds = [one.encoders[0].inside.outputs.clouds for one in (exact, found)]
    estimates = [[(c.group, c.points, c.harmonic, c.two_nn) for c in of] for of in clouds]
    assert estimates[0] == estimates[1]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 120)), min_size=1), st.randoms())
def test_sketches_of_parts_are_the_sketch_of_the_whole(ranges, chance):
    (encoder,) = resolve(["sam3"])
    ask = Ask(sources=1, official=(), lvis=None, sample=0, seed=0)
    parts = [range(begin, begin + size) for begin, size in ranges]

    def of(numbers: Iterable[int]) -> Sketches:
        sketching = Sketching([encoder], ask, hashes=32)
        prompts = pa.array([f"Prompt {n % 200} {n // 200}" for n in numbers], pa.large_string())
        sketching.add(0, prompts.unique())
        return sketching.finish()

    whole = of([number for part in parts for number in part])
    chance.shuffle(parts)
    merged = reduce(add, map(of, parts))
    assert merged.to_bytes() == whole.to_bytes()
    assert Sketches.from_bytes(whole.to_bytes()).to_bytes() == whole.to_bytes()


def test_bounds_hold_as_often_as_they_say():
    """Of many sets the share whose size lies between the bounds is the confidence."""
    inside = 0
    chance = np.random.default_rng(0)
    for _ in range(300):
        growing = distinct.Growing(256)
        growing.add(chance.integers(0, 2**63, 3_000).astype(np.uint64))
        found = distinct.overlap([growing.finish()], np.array([10**9]))
        inside += found.low.union <= 3_000 <= found.high.union
    expected = 300 * CONFIDENCE
    assert abs(inside - expected) < 4 * (300 * 0.95 * 0.05) ** 0.5


def test_no_estimate_is_held_against_the_paper(few_hashes, tmp_path):
    prompts = [f"prompt {n}" for n in range(2_000)]
    exact = audit(["lvis"], prompts=prompts, data=tmp_path)
    found = audit(["lvis"], prompts=prompts, data=tmp_path, approximate=True)
    assert any(entry.measured for entry in exact.ledger)
    assert not any(entry.measured for entry in found.ledger)


def test_a_source_without_prompts_is_refused_as_ever(tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(InputError, match=r"empty\.txt: has no usable prompt"):
        audit([f"{tmp_path}/empty.txt"], approximate=True)


def test_exact_only_is_said(tmp_path):
    save_bert(tmp_path / "encoder")
    for sample in (None, 2**20 + 1):
        with pytest.raises(InputError, match="--sample: at most 1,048,576 prompts"):
            audit(
                prompts=ONE,
                encoders=f"hf:{tmp_path / 'encoder'}",
                inside=InsideOptions(sample=sample),
                approximate=True,
            )
    np.save(tmp_path / "rows.npy", np.ones((6, 4), dtype=np.float32))
    with pytest.raises(InputError, match=r"--approximate: a file of outputs .* give --exact"):
        audit(prompts=ONE, encoders=f"outputs:{tmp_path / 'rows.npy'}", approximate=True)


def test_without_the_library_it_is_said_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "datasketches", None)
    monkeypatch.delitem(sys.modules, "anatomy.measures.distinct", raising=False)
    (tmp_path / "p.txt").write_text("a dog\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["anatomy", "audit", "--sources", "p.txt", "--approximate"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "pip install 'prompt-anatomy[sketch]'" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "reports" / "findings.json").exists()


def test_lvis_is_found_in_every_source(tmp_path):
    opened = open_sources(["lvis"], tmp_path, False, 0, {"one": ["dog", "bow_tie", "a cat"]})
    ask = Ask(sources=2, official=(0,), lvis=0, sample=0, seed=0)
    encoders = resolve(["sam3"])
    here, there = (way.census(opened, encoders, ask) for way in (local, sketch))
    assert (there.counts.lvis_as_given == here.counts.lvis_as_given).all()
    assert there.counts.lvis_as_given[1] >= 1
    assert (there.counts.official.shared == here.counts.official.shared).all()


def test_the_report_says_what_is_estimated(many, few_hashes):
    from anatomy.report.render import render

    exact, found = audit(prompts=many), audit(prompts=many, approximate=True)
    pages = [render(one, formats=["html"])["report.html"].decode() for one in (exact, found)]
    low, high = found.corpus.approximation.unique["combined"]
    said = f"about {found.corpus.unique:,} distinct prompts"
    assert said in pages[1] and f"({low:,} to {high:,})" in pages[1]
    assert "theta sketches of 1,024 hashes" in pages[1]
    assert "theta sketches" not in pages[0] and "about 23,002" not in pages[0]


def test_a_comparison_says_that_one_side_is_estimated(many, few_hashes):
    exact, found = audit(prompts=many), audit(prompts=many, approximate=True)
    both = compare({"exact": exact, "estimated": found})
    one, _, small = (row.against[1] for row in both.sources)
    assert (one, small) == ("the same, counted otherwise", "same")
    (row,) = both.settings
    assert (row.name, row.values) == ("distinct prompts", ["counted", "estimated beyond 1,024"])
    standing = both.roles[0].standings[1]
    assert standing is not None and standing.same_sources
