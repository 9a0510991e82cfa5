"""Rows of ids: truncation, equal rows, equal prefixes; against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.tokens.ragged import distinct, prefixes, rows, truncate
from anatomy.tokens.table import TokenTable, offsets_of

_rows = st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=12)


def table_of(lists: list[list[int]], dtype: type = np.uint16) -> TokenTable:
    flat = np.array([number for row in lists for number in row], dtype=dtype)
    return TokenTable(flat, offsets_of(np.array([len(row) for row in lists], dtype=np.int64)))


def lists_of(table: TokenTable) -> list[list[int]]:
    return [table.ids[a:b].tolist() for a, b in zip(table.offsets, table.offsets[1:], strict=False)]


@given(_rows, st.randoms())
def test_rows_come_in_the_order_asked_for(lists, random):
    order = [random.randrange(len(lists)) for _ in range(5)]
    assert lists_of(rows(table_of(lists), np.array(order))) == [lists[at] for at in order]


@given(_rows, st.integers(1, 6))
def test_a_cut_row_keeps_its_end_token(lists, length):
    expected = [
        row
        if len(row) <= length
        else [*row[: length - 1], row[-1] if row[-1] == 3 else row[length - 1]]
        for row in lists
    ]
    assert lists_of(truncate(table_of(lists), length, (3,))) == expected


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
@given(lists=_rows)
def test_equal_rows_have_equal_numbers(dtype, lists):
    numbers, first = distinct(table_of(lists, dtype))
    assert [lists.index(row) for row in lists] == first[numbers].tolist()


@given(_rows)
def test_equal_prefixes_have_equal_numbers(lists):
    numbers = prefixes(table_of(lists)).tolist()
    keys = [tuple(row[: at + 1]) for row in lists for at in range(len(row))]
    assert len(set(numbers)) == len(set(keys)) == len(set(zip(numbers, keys, strict=True)))
