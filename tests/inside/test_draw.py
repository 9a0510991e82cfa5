"""Samples: seeded, nested, without copies."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy.inside.draw import Plan, lowest, plan
from tests.tokens.test_ragged import lists_of, table_of

# Two sources; the last two prompts of the second are the first two of the first.
PROMPT = np.array([0, 1, 2, 3, 4, 5, 0, 1])
SOURCE = np.array([0, 0, 0, 0, 1, 1, 1, 1])
FIRST = np.array([True] * 6 + [False] * 2)
LISTS = [[8, 1, 9], [8, 2, 2, 2, 9], [8, 2, 2, 2, 3, 9], [8, 1, 9], [8, 4, 9], [8, 5, 6, 9]]
TABLE = table_of([LISTS[number] for number in PROMPT])
GROUPS = {"combined": FIRST, "a": SOURCE == 0, "b": SOURCE == 1}


def lots(prompt, seed):
    """Equal for equal prompts."""
    order = np.random.default_rng(seed).permutation(int(prompt.max()) + 1)
    return order[prompt].astype(np.uint64)


def drawn(sample: int | None = None, causal: bool = False, context: int = 4, seed: int = 0) -> Plan:
    return plan(
        TABLE,
        lots(PROMPT, seed),
        GROUPS,
        {name: int(group.sum()) for name, group in GROUPS.items()},
        sample=sample,
        context=context,
        special_ids=(8, 9),
        causal=causal,
        seed=seed,
    )


def test_every_distinct_row_is_encoded_once_and_cut():
    found = drawn()
    encoded = lists_of(found.table)
    assert sorted(encoded) == [[8, 1, 9], [8, 2, 2, 9], [8, 4, 9], [8, 5, 6, 9]]
    assert found.truncated == 2 + 1  # b's copy of the second prompt is cut too
    combined = found.samples["combined"]
    assert combined.population == combined.drawn == 6
    assert len(combined.rows) == 4  # two pairs of equal rows, one of them equal once cut


def test_a_group_s_rows_are_those_of_its_prompts():
    found = drawn(sample=3)
    for name, sample in found.samples.items():
        for prompt, row in zip(sample.prompts, sample.rows, strict=True):
            assert GROUPS[name][prompt]
            own = LISTS[PROMPT[prompt]]
            cut = own if len(own) <= 4 else [*own[:3], own[-1]]
            assert lists_of(found.table)[row] == cut


def test_the_lowest_lots_come_first():
    everyone = np.ones(1000, dtype=bool)
    one = lots(np.arange(1000), 0)
    assert lowest(one, everyone, 10).tolist() == lowest(one, everyone, 100)[:10].tolist()
    assert one[lowest(one, everyone, 10)].tolist() == list(range(10))
    assert set(lowest(one, everyone, None).tolist()) == set(range(1000))


@pytest.mark.parametrize("causal", [False, True])
def test_tokens_are_drawn_from_the_group_and_prefixes_once(causal):
    found = drawn(causal=causal)
    starts = found.table.offsets
    for sample in found.samples.values():
        own = {p for row in sample.rows for p in range(starts[row], starts[row + 1])}
        assert set(sample.places.tolist()) <= own
        assert len(set(sample.places.tolist())) == len(sample.places) == len(sample.rows)
        assert sample.tokens == len(own)
        keys = {
            tuple(found.table.ids[starts[row] : p + 1]) if causal else (row, p)
            for row in sample.rows
            for p in range(starts[row], starts[row + 1])
        }
        assert sample.kept == len(keys)
