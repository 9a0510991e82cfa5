"""What word order does, with encoders of which it is known: sums of words, and one that counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.tokens.table import TokenTable, offsets_of
from distill.evaluation import orders
from distill.evaluation.orders import PAIRS, corpus_orders, order_pairs, shuffles
from distill.permute import permuted, shuffled
from distill.split import bags, sequences
from tests.distill.evaluation.arrays import held

WIDTH = 16


class Both:
    """A student that adds up a vector a word, of a teacher that weighs them by their place."""

    def __init__(self, longest: int = 99) -> None:
        self.words: dict[str, int] = {}
        self.tokenizer = SimpleNamespace(kept=np.arange(1000))
        self.longest = longest

    def read(self, texts: pa.LargeStringArray) -> tuple[TokenTable, TokenTable]:
        rows = [text.split() for text in texts.to_pylist()]
        ids = [self.words.setdefault(word, len(self.words)) for row in rows for word in row]
        table = TokenTable(
            np.array(ids, dtype=np.int32), offsets_of(np.array(list(map(len, rows))))
        )
        return table, table

    def whole(self, tables: tuple[TokenTable, TokenTable]) -> np.ndarray:
        return tables[1].lengths <= self.longest

    def pooled(self, tables: tuple[TokenTable, TokenTable]) -> tuple[np.ndarray, np.ndarray]:
        table = tables[0]
        rows = [table.ids[a:b] for a, b in zip(table.offsets, table.offsets[1:], strict=False)]
        return (
            np.stack([sum((at + 1) * self.vector(n) for at, n in enumerate(row)) for row in rows]),
            np.stack([sum(self.vector(n) for n in row) for row in rows]),
        )

    @staticmethod
    def vector(number: int) -> np.ndarray:
        return np.random.default_rng(int(number)).standard_normal(WIDTH).astype(np.float32)


def world(texts: list[str], both: Both, **changes):
    strings = pa.array(texts, pa.large_string())
    teacher, student = both.pooled(both.read(strings))
    return held(student, teacher, texts=strings, **changes)


TEXTS = [
    *("red dog", "dog on cat", "white shirt man", "cup", "big red bus left of the small house"),
    *("a very long prompt of many words here", "green old tree", "man holding blue cup"),
]


def test_shuffles_measure_both_encoders_at_the_same_prompts():
    both = Both(longest=7)
    found = {(s.kind, s.group): s for s in shuffles(world(TEXTS, both), both, seed=3)}
    for kind, shuffle in (("content words", permuted), ("all words", shuffled)):
        strings = pa.array(TEXTS, pa.large_string())
        expected = []
        for before, after in zip(TEXTS, shuffle(strings, 3).to_pylist(), strict=True):
            if before != after and len(before.split()) <= 7:
                pair = both.pooled(both.read(pa.array([before, after], pa.large_string())))[0]
                lengths = np.linalg.norm(pair, axis=1)
                expected.append(float(pair[0] @ pair[1] / lengths[0] / lengths[1]))
        measured = found[kind, "combined"]
        assert measured.prompts == len(expected) > 2
        assert measured.teacher.mean == pytest.approx(np.mean(expected), abs=1e-5)
        assert measured.student.mean == pytest.approx(1, abs=1e-5)  # it knows no order
        assert measured.baseline.mean < measured.closeness.mean < 1 and measured.teacher.p5 is None
        assert found[kind, "one"].teacher == measured.teacher


def test_as_many_shuffled_prompts_are_drawn_of_each_source(monkeypatch):
    monkeypatch.setattr(orders, "MOST_SHUFFLED", 6)
    texts = [f"red thing{at} dog" for at in range(40)]
    member = np.zeros((40, 2), dtype=bool)
    member[:30, 0] = member[30:, 1] = True
    both = Both()
    around = world(texts, both, names=("a", "b"), trains=(True, True), member=member)
    counts = {s.group: s.prompts for s in shuffles(around, both) if s.kind == "all words"}
    assert counts == {"combined": 6, "a": 3, "b": 3}


def test_prompts_of_one_word_have_no_shuffles():
    both = Both()
    assert shuffles(world(["cup", "dog dog"], both), both) == []


def test_the_fixed_pairs_are_word_order_twins_and_each_is_measured():
    both = Both()
    assert all(sorted(one.split()) == sorted(other.split()) for one, other in PAIRS)
    assert all(one != other for one, other in PAIRS) and len(set(PAIRS)) == len(PAIRS)
    found = order_pairs(both)
    assert [(pair.one, pair.other) for pair in found] == list(PAIRS)
    for pair in found:
        texts = pa.array([pair.one, pair.other], pa.large_string())
        one, other = both.pooled(both.read(texts))[0]
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert pair.teacher == pytest.approx(cosine, abs=1e-5)
        assert pair.student == pytest.approx(1, abs=1e-5) and pair.kept
    both.longest = 3
    short = [pair for pair in PAIRS if all(len(text.split()) <= 3 for text in pair)]
    assert [(pair.one, pair.other) for pair in order_pairs(both)] == short
    both.longest = 99
    both.tokenizer.kept = np.array([n for word, n in both.words.items() if word != "horse"])
    without = [pair.one for pair in order_pairs(both) if not pair.kept]
    assert without == [one for one, _ in PAIRS if "horse" in one.split()]


word = st.sampled_from(["dog", "Dog", "cat,", "cat", "on", "(red)", "red", "  "])


@given(st.lists(st.lists(word, max_size=4).map(" ".join), min_size=1, max_size=15, unique=True))
def test_word_order_twins_of_a_corpus_are_those_of_plain_sets(texts):
    orders_of = defaultdict(list)
    for text in texts:
        words = tuple(w.strip(",()").casefold() for w in text.split())
        orders_of[tuple(sorted(words))].append(words)
    twins = [found for found in orders_of.values() if len(set(found)) > 1]
    both = Both()
    strings = pa.array(texts, pa.large_string())
    outputs = np.ones((len(texts), 2), dtype=np.float32)
    found = corpus_orders(strings, held(outputs, outputs, texts=strings))
    assert found.bags == found.pairs == len(twins)
    assert found.prompts == sum(map(len, twins))
    assert both and (found.teacher is None) == (not twins)
    assert len(np.unique(bags(strings))) == len(orders_of)
    assert len(np.unique(sequences(strings))) == len(
        {o for found in orders_of.values() for o in found}
    )


def test_twins_are_compared_where_both_are_held_out():
    texts = pa.array(
        ["a", "dog on cat", "b", "cat on dog", "cup red", "red cup"], pa.large_string()
    )
    teacher = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    student = np.array([[1, 0], [1, 1], [0, 1]], dtype=np.float32)
    rows = np.array([1, 3, 4])  # "red cup" is not among them
    some = held(student, teacher, rows=rows, texts=texts.take(pa.array(rows)))
    found = corpus_orders(texts, some)
    assert (found.bags, found.prompts, found.pairs) == (2, 4, 1)
    cut = corpus_orders(texts, replace(some, cut=np.array([True, False, False])))
    assert (cut.bags, cut.pairs, cut.teacher) == (2, 0, None)
    assert found.teacher.mean == 0 and found.student.mean == pytest.approx(np.sqrt(0.5))
