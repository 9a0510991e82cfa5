from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.measures.vocabulary import TokenCounts
from anatomy.tokens.table import TokenTable, offsets_of

SIZE = 12
prompts = st.lists(
    st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=6), min_size=1, max_size=9
)


def table_of(rows, dtype=np.uint16):
    ids = np.array([number for row in rows for number in row], dtype=dtype)
    return TokenTable(ids, offsets_of(np.array([len(row) for row in rows], dtype=np.int64)))


def counts_of(rows, dtype=np.uint16):
    return TokenCounts.of(table_of(rows, dtype), SIZE)


@given(prompts, st.sampled_from([np.uint16, np.int32]))
def test_counts_equal_their_definition(rows, dtype):
    counts = counts_of(rows, dtype)
    flat = [number for row in rows for number in row]
    assert counts.occurrences.tolist() == [flat.count(n) for n in range(SIZE)]
    assert counts.prompts_with.tolist() == [sum(n in row for row in rows) for n in range(SIZE)]
    assert counts.tokens == len(flat)
    assert counts.distinct == len(set(flat))
    assert counts.used.tolist() == sorted(set(flat))
    assert counts.coverage == pytest.approx(len(set(flat)) / SIZE)
    assert counts.in_one_prompt == sum(sum(n in row for row in rows) == 1 for n in range(SIZE))


@given(prompts, st.integers(1, 15))
def test_top_share_is_the_largest_share_that_k_ids_can_have(rows, k):
    counts = counts_of(rows)
    best = np.sort(counts.occurrences)[::-1][:k].sum() / counts.tokens
    assert counts.top_share(k) == pytest.approx(best)
    ranked = counts.ranked()
    assert (np.diff(counts.occurrences[ranked]) <= 0).all()


@given(prompts, prompts)
def test_two_parts_add_up_to_the_whole(a, b):
    total, whole = counts_of(a) + counts_of(b), counts_of(a + b)
    np.testing.assert_array_equal(total.occurrences, whole.occurrences)
    np.testing.assert_array_equal(total.prompts_with, whole.prompts_with)
    assert total.prompts == whole.prompts


@given(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=4), min_size=1, max_size=7))
def test_growth_is_the_mean_over_all_subsets(rows):
    expected = [
        np.mean([len(set().union(*map(set, chosen))) for chosen in combinations(rows, n)])
        for n in range(1, len(rows) + 1)
    ]
    np.testing.assert_allclose(counts_of(rows).growth(range(1, len(rows) + 1)), expected, rtol=1e-9)


@given(prompts)
def test_special_share_is_two_over_the_mean_length(rows):
    rows = [[SIZE - 2, *(n % (SIZE - 2) for n in row), SIZE - 1] for row in rows]
    counts = counts_of(rows)
    mean = np.mean([len(row) for row in rows])
    assert counts.share_of([SIZE - 2, SIZE - 1]) == pytest.approx(2 / mean)


@given(prompts, st.data())
def test_selecting_prompts_keeps_their_rows(rows, data):
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    picked = table_of(rows).select(chosen)
    kept = [row for row, keep in zip(rows, chosen, strict=True) if keep]
    bounds = pairwise(picked.offsets.tolist())
    assert [picked.ids[a:b].tolist() for a, b in bounds] == kept
