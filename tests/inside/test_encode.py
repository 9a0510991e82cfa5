"""Encoding a plan: no padding, nothing twice, shards that survive a kill."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from anatomy.encoders import batches
from anatomy.engines import here
from anatomy.errors import InputError
from anatomy.inside import encode as module
from anatomy.inside.encode import Encoded, encode
from tests.inside.test_draw import drawn
from tests.tokens.test_ragged import lists_of


@dataclass
class FakeOutputs:
    tokens: np.ndarray

    def pooled(self, pooling: str) -> np.ndarray:
        return self.tokens.mean(axis=1) if pooling == "mean" else self.tokens[:, -1]


@dataclass
class FakeModel:
    """Output of a token: its id, its position, the sum of the row. Remembers its batches."""

    device: str = "cpu"
    seen: list[tuple[int, int]] = field(default_factory=list)
    fail_at: int = -1

    def encode(self, ids: np.ndarray) -> FakeOutputs:
        if len(self.seen) == self.fail_at:
            raise KeyboardInterrupt
        self.seen.append(ids.shape)
        places = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        sums = np.broadcast_to(ids.sum(axis=1, keepdims=True), ids.shape)
        return FakeOutputs(np.stack([ids, places, sums], axis=2).astype(np.float32))


def run(model: FakeModel, cache: Path | None = None, key: str = "key", **kwargs) -> Encoded:
    plan = drawn(**kwargs)
    return encode(here(model), model.device, plan, pooling="end", key=key, cache=cache)


def test_outputs_stand_where_their_rows_and_places_are():
    plan, found = drawn(), run(FakeModel())
    for row, ids in enumerate(lists_of(plan.table)):
        assert found.pooled[row].tolist() == [ids[-1], len(ids) - 1, sum(ids)]
    for at, place in enumerate(plan.places):
        row = int(np.searchsorted(plan.table.offsets, place, side="right")) - 1
        position = int(place - plan.table.offsets[row])
        ids = lists_of(plan.table)[row]
        assert found.tokens[at].tolist() == [ids[position], position, sum(ids)]


def test_a_batch_holds_one_length_and_no_more_tokens_than_allowed(monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 4)
    model = FakeModel()
    run(model)
    lengths = sorted(len(ids) for ids in lists_of(drawn().table))
    assert sorted(length for rows, length in model.seen for _ in range(rows)) == lengths
    assert all(rows * length <= 4 for rows, length in model.seen)


def test_a_second_run_encodes_nothing_and_gives_the_same(tmp_path):
    first = run(FakeModel(), tmp_path)
    again = FakeModel()
    second = run(again, tmp_path)
    assert not again.seen and second.reused == len(second.pooled) and first.reused == 0
    assert np.array_equal(first.pooled, second.pooled)
    assert np.array_equal(first.tokens, second.tokens)


@pytest.mark.parametrize("change", [{"key": "other"}, {"context": 3}])
def test_what_the_outputs_depend_on_is_never_mixed_up(tmp_path, change):
    run(FakeModel(), tmp_path)
    again = FakeModel()
    run(again, tmp_path, **change)
    assert again.seen


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 2)
    with pytest.raises(KeyboardInterrupt):
        run(FakeModel(fail_at=1), tmp_path)
    again = FakeModel()
    found = run(again, tmp_path)
    assert 0 < found.reused < len(found.pooled)
    assert np.array_equal(found.pooled, run(FakeModel()).pooled)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-7],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"",
        lambda content: hashlib.sha256(b"x").digest() + b"x",
    ],
)
def test_a_damaged_shard_is_made_again(tmp_path, damage):
    run(FakeModel(), tmp_path)
    for path in tmp_path.rglob("*.outputs"):
        path.write_bytes(damage(path.read_bytes()))
    again = FakeModel()
    assert np.array_equal(run(again, tmp_path).pooled, run(FakeModel()).pooled)
    assert again.seen


def test_a_cache_that_cannot_be_written_is_one_line_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    model = FakeModel()
    with pytest.raises(InputError, match="name another folder with ANATOMY_CACHE"):
        run(model, tmp_path / "file")
    assert not model.seen


def test_outputs_too_large_for_memory_are_the_same(tmp_path, monkeypatch):
    expected = run(FakeModel())
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    found = run(FakeModel())
    assert isinstance(found.pooled, np.memmap)
    assert np.array_equal(found.pooled, expected.pooled)
