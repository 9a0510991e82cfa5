"""What an audit hands to the ledger."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from anatomy.corpus.bundled import lvis_names, lvis_names_as_given
from anatomy.corpus.model import Corpus, SourceSummary
from anatomy.evidence import _shared_as_given
from anatomy.pipeline import audit


def _summary(name: str, unique: int) -> SourceSummary:
    return SourceSummary(name, "official", name, (), unique, {}, {}, unique, 0, unique)


def test_names_as_given_keep_their_underscores() -> None:
    given = lvis_names_as_given()
    assert given[0] == "aerosol_can"
    assert tuple(name.replace("_", " ") for name in given) == lvis_names()


@pytest.mark.parametrize(("codes", "expected"), [([0, 1], {"refcoco": 1}), ([1], {})])
def test_shared_names_are_compared_as_given(codes: list[int], expected: dict[str, int]) -> None:
    corpus = Corpus(
        pa.array(["aerosol can", "dog", "aerosol can", "dog"], type=pa.large_string()),
        np.array([0, 0, 1, 1], dtype=np.int16),
        np.array([0, 1, 0, 1]),
        np.array([True, True, False, False]),
        (_summary("lvis", 2), _summary("refcoco", 2)),
    )
    assert _shared_as_given(corpus, codes, ("aerosol_can", "dog")) == expected


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
