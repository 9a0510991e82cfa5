"""A corpus counted through the disk is the corpus counted in memory."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.census import Ask, kept, local, shard, spill, stored
from anatomy.census.keys import keys
from anatomy.census.lowest import Lowest
from anatomy.corpus.build import numbered, open_sources
from anatomy.encoders import resolve
from anatomy.errors import InputError
from anatomy.pipeline import audit
from tests.encoders.tiny import save_bert
from tests.holding import held_elsewhere

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
    found = local.census(opened, [], ask_of(len(opened)), keep=scratch)
    assert found.counts.raw.union == len(set(ONE) | set(TWO))
    assert list(scratch.iterdir()) == []


def test_a_full_disk_is_one_line(tmp_path, through_the_disk, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill.pa, "OSFile", full)
    scratch = tmp_path / "scratch"
    opened = local_sources(tmp_path)
    with pytest.raises(InputError, match=r"No space left on device.*ANATOMY_CACHE"):
        local.census(opened, [], ask_of(len(opened)), keep=scratch)
    assert list(scratch.iterdir()) == []


def text_file(folder, name, prompts):
    path = folder / name
    path.write_text("".join(f"{prompt}\n" for prompt in prompts), encoding="utf-8")
    return str(path)


class Killed(BaseException):
    """As final as a kill."""


@pytest.mark.parametrize("after", [0, 1, 90])
def test_a_killed_census_goes_on_with_what_it_had(tmp_path, through_the_disk, monkeypatch, after):
    sources = [text_file(tmp_path, "one.txt", ONE), text_file(tmp_path, "two.txt", TWO)]
    unbroken = audit(sources)
    keep = tmp_path / "keep"
    counted = []

    def count(corpus, *others):
        if len(counted) == after and not killed:
            killed.append(True)
            raise Killed
        counted.append(len(corpus))
        return shard.count(corpus, *others)

    killed: list[bool] = []
    monkeypatch.setattr(local, "count", count)
    with pytest.raises(Killed):
        audit(sources, keep=keep)
    monkeypatch.setattr(local, "read", None)  # nothing is read again
    again = audit(sources, keep=keep)
    assert again.model_dump(exclude={"run"}) == unbroken.model_dump(exclude={"run"})
    assert sum(counted) == len(set(ONE)) + len(set(TWO))  # and no shard is counted twice
    assert list(keep.iterdir()) == []


@pytest.mark.parametrize("gone", ["prompts", "counts", "cleaned"])
def test_a_census_killed_while_it_deletes_is_not_gone_on_with(
    tmp_path, through_the_disk, monkeypatch, gone
):
    sources = [text_file(tmp_path, "one.txt", ONE), text_file(tmp_path, "two.txt", TWO)]
    keep = tmp_path / "keep"

    def killed(folder: Path, **_: object) -> None:
        rmtree(folder / gone)
        raise Killed

    rmtree = shutil.rmtree
    with monkeypatch.context() as patched:
        patched.setattr(kept.shutil, "rmtree", killed)
        with pytest.raises(Killed):
            audit(sources, keep=keep)
    assert audit(sources, keep=keep).digest == audit(sources).digest
    assert list(keep.iterdir()) == []


def test_counts_that_the_disk_has_lost_are_counted_again(tmp_path, through_the_disk, monkeypatch):
    sources = [text_file(tmp_path, "one.txt", ONE), text_file(tmp_path, "two.txt", TWO)]
    unbroken = audit(sources)
    keep = tmp_path / "keep"

    def count(corpus, *others):
        if len(counted) == 9:
            raise Killed
        counted.append(len(corpus))
        return shard.count(corpus, *others)

    counted: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(local, "count", count)
        with pytest.raises(Killed):
            audit(sources, keep=keep)
    (lost, *_) = sorted(keep.glob("*/counts/*.npz"))  # its prompts are gone already
    lost.write_bytes(lost.read_bytes()[:-99])
    again = audit(sources, keep=keep)
    assert again.model_dump(exclude={"run"}) == unbroken.model_dump(exclude={"run"})


def test_what_was_kept_of_other_prompts_is_not_gone_on_with(
    tmp_path, through_the_disk, monkeypatch
):
    sources = [text_file(tmp_path, "one.txt", ONE), text_file(tmp_path, "two.txt", TWO)]
    times = Path(sources[1]).stat()
    keep = tmp_path / "keep"

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(local, "count", killed)
        with pytest.raises(Killed):
            audit(sources, keep=keep)
    (folder,) = keep.iterdir()
    assert (folder / "read.json").exists()
    # Another file of the same size and time: its hash tells.
    text_file(tmp_path, "two.txt", [TWO[0].replace("dog", "cat"), *TWO[1:]])
    os.utime(sources[1], ns=(times.st_atime_ns, times.st_mtime_ns))
    assert audit(sources, keep=keep).digest == audit(sources).digest
    assert list(keep.iterdir()) == []


def test_two_runs_on_the_same_do_not_meet(tmp_path, through_the_disk):
    sources = [text_file(tmp_path, "one.txt", ONE)]
    opened = open_sources(sources, tmp_path, False, 0)
    keep = tmp_path / "keep"
    name = kept.identity(opened, [], ask_of(1))
    with held_elsewhere(keep / f"{name}.lock"):
        found = local.census(opened, [], ask_of(1), keep=keep)
        assert [path.name for path in keep.iterdir()] == [f"{name}.lock"]
    assert found.counts.raw.union == len(set(ONE))


def test_what_was_killed_long_ago_is_forgotten(tmp_path):
    sources = [text_file(tmp_path, "one.txt", ONE)]
    keep = tmp_path / "keep"
    long_ago = time.time() - local.OLD - 3600
    for name in ("old", "census-x", "new", "used", "alive"):
        folder = keep / name / "prompts"
        folder.mkdir(parents=True)
        for part in (folder, folder.parent):
            os.utime(part, None if name == "new" else (long_ago, long_ago))
    os.utime(keep / "used" / "prompts")  # counting goes on below an old folder
    (keep / "gone.lock").touch()
    os.utime(keep / "gone.lock", (long_ago, long_ago))
    outside = tmp_path / "outside"
    outside.mkdir()
    (keep / "link").symlink_to(outside)
    os.utime(outside, (long_ago, long_ago))
    with held_elsewhere(keep / "alive.lock"):
        audit(sources, keep=keep)
        left = {path.name for path in keep.iterdir()}
        assert left == {"new", "used", "alive", "alive.lock", "link"}
    assert outside.is_dir()


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b"PK" + b[2:99]])
def test_damaged_counts_are_none(damage):
    corpus = numbered([pa.array(["a dog", "a cat"], type=pa.large_string())])
    (encoder,) = resolve(["sam3"])
    ask = Ask(sources=1, official=(), lvis=None, sample=None, seed=0)
    counts, _ = shard.count(corpus, [encoder], ask)
    data = stored.to_bytes(counts)
    back = stored.from_bytes(data)
    assert back.raw.union == 2 and back.lowest.prompts == counts.lowest.prompts
    one, other = back.encoders[0].union.counts, counts.encoders[0].union.counts
    assert (one.occurrences == other.occurrences).all() and one.prompts == other.prompts
    with pytest.raises(ValueError, match="no counts of a shard"):
        stored.from_bytes(damage(data))


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
