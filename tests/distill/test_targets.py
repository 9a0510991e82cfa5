"""The teacher's outputs: right, in order, once, and going on after a kill."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from anatomy.encoders import batches, resolve
from anatomy.errors import InputError
from anatomy.tokens.ragged import truncate
from anatomy.tokens.table import TokenTable, offsets_of
from distill import targets as module
from distill.targets import NONE, Targets, make_targets
from distill.teacher import Teacher
from tests.encoders.tiny import save_bert

ROWS = [[1, 7, 8, 2], [1, 9, 2], [1, 7, 8, 2], [1, 2], [1, 9, 8, 7, 6, 5, 2], [1, 4, 4, 2]]
END = 2


@dataclass
class FakeOutputs:
    tokens: np.ndarray

    def pooled(self, pooling: str) -> np.ndarray:
        return self.tokens.mean(axis=1) if pooling == "mean" else self.tokens[:, -1, :2]


@dataclass
class FakeModel:
    """Output of a token: its id, its position, the sum of the row. Remembers its batches."""

    device: str = "cpu"
    dtype: str = "float32"
    context: int = 5
    weights_hash: str = "w"
    scale: float = 1.0
    seen: list[tuple[int, int]] = field(default_factory=list)
    fail_at: int = -1

    def encode(self, ids: np.ndarray) -> FakeOutputs:
        if len(self.seen) == self.fail_at:
            raise KeyboardInterrupt
        self.seen.append(ids.shape)
        places = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        sums = np.broadcast_to(ids.sum(axis=1, keepdims=True), ids.shape)
        return FakeOutputs(self.scale * np.stack([ids, places, sums], axis=2).astype(np.float32))


def table_of(rows: list[list[int]]) -> TokenTable:
    ids = np.array(list(itertools.chain(*rows)), dtype=np.uint16)
    return TokenTable(ids, offsets_of(np.array([len(row) for row in rows])))


def teacher_of(model: Any, tokenizer: Any = None) -> Teacher:
    tokenizer = tokenizer or SimpleNamespace(description="t", special_ids=(1, END))
    return Teacher(SimpleNamespace(name="fake", tokenizer=tokenizer), model)


def run(model: FakeModel, folder: Path, rows: list[list[int]] | None = None, **options) -> Targets:
    options = {"pooling": "mean"} | options
    return make_targets(teacher_of(model), table_of(rows or ROWS), folder, **options)


def tokens_of(found: Targets, prompt: int) -> np.ndarray:
    row = found.row[prompt]
    return found.tokens[found.offsets[row] : found.offsets[row + 1]]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_each_prompt_has_what_the_teacher_makes_of_it(tmp_path, dtype):
    found = run(FakeModel(), tmp_path, dtype=dtype)
    assert found.tokens.dtype == dtype
    for prompt, ids in enumerate(ROWS):
        seen = [*ids[:4], END] if len(ids) > 5 else ids  # its context is 5
        expected = [[number, at, sum(seen)] for at, number in enumerate(seen)]
        assert tokens_of(found, prompt).tolist() == expected
        assert np.allclose(found.pooled[found.row[prompt]], np.mean(expected, axis=0))


def test_the_place_of_each_token_leads_to_its_output(tmp_path):
    found = run(FakeModel(), tmp_path)
    place = iter(found.place)
    for prompt, ids in enumerate(ROWS):
        own = [next(place) for _ in ids]
        cut = len(ids) > 5
        assert [at == NONE for at in own] == [cut and at in (4, 5) for at in range(len(ids))]
        kept = [at for at in own if at != NONE]
        assert np.array_equal(found.tokens[kept], tokens_of(found, prompt))


def test_equal_rows_are_computed_once_and_nothing_is_padding(tmp_path):
    model = FakeModel()
    run(model, tmp_path)
    assert sum(rows for rows, _ in model.seen) == 5
    assert sorted(width for _, width in model.seen) == [2, 3, 4, 5]


def test_a_second_run_asks_nothing_and_another_input_asks_again(tmp_path):
    first = run(FakeModel(), tmp_path)
    again = FakeModel()
    second = run(again, tmp_path)
    assert not again.seen and second.reused == 5 and first.reused == 0
    assert np.array_equal(first.tokens, second.tokens)
    assert second.rounding == first.rounding
    for model, options in (
        (FakeModel(weights_hash="x"), {}),
        (FakeModel(context=4), {}),
        (FakeModel(dtype="bfloat16"), {}),
        (FakeModel(), {"pooling": "end"}),
        (FakeModel(), {"dtype": "float32"}),
        (FakeModel(), {"rows": ROWS[:-1]}),
    ):
        run(model, tmp_path, **options)
        assert model.seen


@pytest.mark.parametrize("killed_at", range(4))
def test_a_killed_run_goes_on(tmp_path, monkeypatch, killed_at):
    monkeypatch.setattr(module, "JOURNAL_SECONDS", -1.0)
    with pytest.raises(KeyboardInterrupt):
        run(FakeModel(fail_at=killed_at), tmp_path)
    for path in tmp_path.rglob("tokens.bin"):
        path.open("ab").write(b"half a batch that the journal does not know")
    again = FakeModel()
    found = run(again, tmp_path)
    assert len(again.seen) == 4 - killed_at
    assert np.array_equal(found.tokens, run(FakeModel(), tmp_path / "other").tokens)
    assert np.array_equal(found.pooled, run(FakeModel(), tmp_path / "other").pooled)


@pytest.mark.parametrize("name", ["tokens.bin", "pooled.bin", "targets.json"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-3],
        lambda content: bytes([content[0] ^ 64]) + content[1:],
        lambda content: b"",
        lambda content: b'{"rows": -4, "width": 3}',
    ],
)
def test_damaged_files_are_made_again(tmp_path, name, damage):
    expected = run(FakeModel(), tmp_path / "other")
    run(FakeModel(), tmp_path)
    (path,) = tmp_path.glob(f"*/{name}")
    path.write_bytes(damage(path.read_bytes()))
    found = run(FakeModel(), tmp_path)
    assert np.array_equal(found.tokens, expected.tokens)
    assert np.array_equal(found.pooled, expected.pooled)


@pytest.mark.parametrize(("scale", "advice"), [(1e5, "stored=float32"), (1e-9, "stored=float32")])
def test_outputs_that_float16_cannot_hold_are_refused(tmp_path, scale, advice):
    with pytest.raises(InputError, match=advice):
        run(FakeModel(scale=scale), tmp_path)
    assert run(FakeModel(scale=scale), tmp_path, dtype="float32").rounding == 0


def test_outputs_that_are_not_finite_are_refused(tmp_path):
    with pytest.raises(InputError, match="not finite"):
        run(FakeModel(scale=float("nan")), tmp_path)


def test_prompts_without_tokens_and_folders_that_are_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no token"):
        run(FakeModel(), tmp_path, rows=[[1, 2], []])
    (tmp_path / "file").write_text("")
    model = FakeModel()
    with pytest.raises(InputError, match="cannot be kept there"):
        run(model, tmp_path / "file")
    assert not model.seen


def test_a_real_encoder_in_other_batches_gives_the_same(tmp_path, monkeypatch):
    """Against the encoder itself, one prompt at a time."""
    save_bert(tmp_path / "bert")
    (encoder,) = resolve([f"hf:{tmp_path / 'bert'}"])
    model = encoder.open("cpu", "float32")
    texts = ["a red dog", "the cat", "a red dog", "cats", "a " * 40, "blue cup the cats dog"]
    table = encoder.tokenizer.encode(texts)
    monkeypatch.setattr(batches, "BATCH", 8)
    found = make_targets(Teacher(encoder, model), table, tmp_path, pooling="mean")
    cut = truncate(table, model.context, encoder.tokenizer.special_ids)
    for prompt in range(len(texts)):
        ids = cut.ids[cut.offsets[prompt] : cut.offsets[prompt + 1]].astype(np.int64)
        expected = model.encode(ids[None]).tokens[0]
        norm = np.linalg.norm(expected)
        assert np.linalg.norm(tokens_of(found, prompt) - expected) < 1e-3 * norm
        pooled = found.pooled[found.row[prompt]]
        assert np.allclose(pooled, expected.mean(axis=0), atol=1e-5)
    assert 0 < found.rounding < 1e-3
