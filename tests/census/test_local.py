"""A corpus counted through the disk is the corpus counted in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.census import Ask, local, spill
from anatomy.census.keys import keys
from anatomy.census.lowest import Lowest
from anatomy.corpus.build import numbered, open_sources
from anatomy.errors import InputError
from anatomy.pipeline import audit
from tests.encoders.tiny import save_bert

# Copies within and across sources, and strings that only the cleaning makes equal.
ONE = ["a dog", "A  dog", "a dog", "two dogs", "&amp;", "ﬁsh", "the man's red shirt"] * 3
TWO = ["a dog", "fish", "FISH", "&", "un été à la mer", *(f"cat number {n}" for n in range(300))]


def local_sources(data):
    return open_sources([], data, False, 0, {"one": ONE, "two": TWO})


def ask_of(sources):
    return Ask(sources=sources, official=(), lvis=None, sample=0, seed=0)


@pytest.fixture
def through_the_disk(monkeypatch):
    monkeypatch.setattr(local, "IN_MEMORY", 4)
    monkeypatch.setattr(spill, "_WAITING", 1_000)


def test_it_does_not_matter_where_prompts_wait(tmp_path, request):
    save_bert(tmp_path / "encoder")
    encoder = f"hf:{tmp_path / 'encoder'}"
    given_prompts = {"one": ONE, "two": TWO}
    encoders = ["sam3", encoder]
    in_memory = audit(["lvis"], prompts=given_prompts, encoders=encoders, data=tmp_path)
    request.getfixturevalue("through_the_disk")
    on_disk = audit(["lvis"], prompts=given_prompts, encoders=encoders, data=tmp_path)
    assert on_disk.encoders[1].inside is not None
    assert on_disk.model_dump(exclude={"run"}) == in_memory.model_dump(exclude={"run"})
    assert on_disk.digest == in_memory.digest
    cleaned = on_disk.encoders[0].unique_cleaned
    assert cleaned["one"] == 5  # a dog, two dogs, &, fish, the man's red shirt
    assert cleaned["two"] == 304  # fish and FISH are one
    assert cleaned["combined"] == 1203 + 5 + 304 - 1 - 3  # LVIS has a dog? no: dog; fish, a dog, &
    assert on_disk.sources[1].duplicates == len(ONE) - 6


def test_nothing_is_left_behind(tmp_path, through_the_disk):
    scratch = tmp_path / "scratch"
    opened = local_sources(tmp_path)
    found = local.census(opened, [], ask_of(len(opened)), scratch=scratch)
    assert found.counts.raw.union == len(set(ONE) | set(TWO))
    assert list(scratch.iterdir()) == []


def test_a_full_disk_is_one_line(tmp_path, through_the_disk, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill.pa, "OSFile", full)
    scratch = tmp_path / "scratch"
    opened = local_sources(tmp_path)
    with pytest.raises(InputError, match=r"No space left on device.*ANATOMY_CACHE"):
        local.census(opened, [], ask_of(len(opened)), scratch=scratch)
    assert list(scratch.iterdir()) == []


@given(st.lists(st.text(max_size=4), max_size=60), st.integers(0, 3))
def test_the_lowest_of_parts_are_the_lowest_of_the_whole(texts, most):
    distinct = pa.array(dict.fromkeys(texts), type=pa.large_string())
    half = len(distinct) // 2
    whole = Lowest.of(numbered([distinct]), 1, 7, most or None)
    parts = [
        Lowest.of(numbered([part]), 1, 7, most or None)
        for part in (distinct[half:], distinct[:half])
    ]
    merged = parts[0] + parts[1]
    assert merged.prompts[0] == whole.prompts[0]
    assert (merged.lots[0] == whole.lots[0]).all()
    assert len(whole.lots[0]) == (min(most, len(distinct)) if most else len(distinct))
    assert (np.diff(whole.lots[0].astype(float)) >= 0).all()


def test_keys_are_pandas_hashes_and_spread_evenly():
    texts = pa.array([f"prompt {n}" for n in range(20_000)], type=pa.large_string())
    one, other = keys(texts, "shard", "lot 0")
    assert one.dtype == np.uint64
    # Known values: another version that hashed otherwise would break what waits on the disk.
    assert [int(key) for key in one[:2]] == [12_426_484_832_640_825_912, 598_359_918_391_225_539]
    shards = np.bincount(one >> np.uint64(56), minlength=256)
    assert abs(shards - 20_000 / 256).max() < 6 * (20_000 / 256) ** 0.5
    assert abs(np.corrcoef(one.astype(float), other.astype(float))[0, 1]) < 0.05
