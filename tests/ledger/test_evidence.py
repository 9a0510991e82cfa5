"""What an audit hands to the ledger."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from anatomy.census import Ask
from anatomy.census.shard import count
from anatomy.corpus.build import numbered
from anatomy.corpus.bundled import lvis_names, lvis_names_as_given
from anatomy.encoders import resolve
from anatomy.pipeline import audit


def test_names_as_given_keep_their_underscores() -> None:
    given = lvis_names_as_given()
    assert given[0] == "aerosol_can"
    assert tuple(name.replace("_", " ") for name in given) == lvis_names()


@pytest.mark.parametrize(("lvis", "expected"), [(0, [1, 1]), (None, [0, 0])])
def test_shared_names_are_compared_as_given(lvis: int | None, expected: list[int]) -> None:
    names = [pa.array(part, type=pa.large_string()) for part in (["zebra", "a b"], ["dog", "a_b"])]
    ask = Ask(sources=2, official=(0, 1), lvis=lvis, sample=0, seed=0)
    (encoder,) = resolve(["sam3"])
    counts, _ = count(numbered(names), [encoder], ask)
    assert counts.lvis_as_given.tolist() == expected


def test_the_ledger_sees_the_names_as_given(tmp_path: Path) -> None:
    entries = {entry.id: entry for entry in audit(["lvis"], data=tmp_path).ledger}
    lvis = entries["lvis-mean-length"]
    assert lvis.verdict == "contradicts"
    assert lvis.implied == "3.55 to 4.20"
    assert 'as given 4.196; with "_" as a blank 3.888' in str(lvis.measured)
    assert "first word only 3.317 (1,104 names)" in lvis.explanation
    assert "last word only 3.337 (997 names)" in lvis.explanation
    assert "without the qualifier 3.26" in lvis.explanation


def test_repeats_of_the_official_files(corpora: Path) -> None:
    entries = {e.id: e for e in audit(["saco-veval", "lvis"], data=corpora).ledger}
    found = entries["prompt-count-unique"]
    assert found.verdict == "contradicts"
    assert "at least 461; by at least 566 if" in found.margin
    assert entries["veval-count"].verdict == "undecided"
