from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anatomy.measures.overlap import Overlap

SOURCES = 4
entries = st.lists(st.tuples(st.integers(0, 15), st.integers(0, SOURCES - 1)), max_size=60)


def overlap_of(pairs):
    prompt = np.array([p for p, _ in pairs], dtype=np.int64)
    source = np.array([s for _, s in pairs], dtype=np.int16)
    return Overlap.of(prompt, source, SOURCES)


@given(entries)
def test_shared_counts_equal_those_of_sets(pairs):
    sets = [{p for p, s in pairs if s == source} for source in range(SOURCES)]
    overlap = overlap_of(pairs)
    assert overlap.shared.tolist() == [[len(a & b) for b in sets] for a in sets]
    assert overlap.union == len(set().union(*sets))
    assert overlap.plain_sum == sum(map(len, sets))


@given(entries, st.integers(1, 4))
def test_shards_by_prompt_add_up_to_the_whole(pairs, shards):
    parts = [overlap_of([(p, s) for p, s in pairs if p % shards == at]) for at in range(shards)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    whole = overlap_of(pairs)
    np.testing.assert_array_equal(total.shared, whole.shared)
    assert total.union == whole.union
