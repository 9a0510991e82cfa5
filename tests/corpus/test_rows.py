from __future__ import annotations

import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus import rows

LONG = "x" * (rows.MAX_CHARACTERS + 1)

anything = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=[]), max_size=5),  # surrogates too
    st.text(alphabet=rows.WHITESPACE + "\0\u200ba", max_size=4),
    st.sampled_from(["", LONG, " " * len(LONG), "a\0", "\0"]),
    st.none(),
    st.integers(),
    st.binary(max_size=3),
)


def test_whitespace_is_what_python_strips():
    everything = map(chr, range(sys.maxunicode + 1))
    assert list(rows.WHITESPACE) == [c for c in everything if c.isspace()]


def test_reasons():
    values = ["a", None, 3, b"b", "", " \u2003", "\ud800", "c\0d", LONG, LONG[1:], "\u200b"]
    prompts, refused = rows.usable(values)
    assert prompts.to_pylist() == ["a", LONG[1:], "\u200b"]
    assert refused == {
        rows.NOT_A_STRING: 3,
        rows.LONE_SURROGATE: 1,
        rows.NUL: 1,
        rows.TOO_LONG: 1,
        rows.EMPTY: 2,
    }


@given(st.lists(anything, max_size=12))
def test_whole_array_path_equals_value_by_value(values):
    prompts, refused = rows.usable(values)
    slow_prompts, slow_refused = rows._slow(values)
    assert prompts.type == slow_prompts.type == pa.large_string()
    assert prompts.to_pylist() == slow_prompts.to_pylist()
    assert refused == slow_refused
    assert list(refused) == list(slow_refused)
    assert len(prompts) + sum(refused.values()) == len(values)


@given(st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=8))
def test_arrow_equals_list(values):
    expected = rows.usable(values)
    plain = pa.array(values, type=pa.string())
    for array in (
        plain,
        plain.cast(pa.large_binary()),
        plain.cast(pa.string_view()),
        plain.dictionary_encode(),
        pa.chunked_array([plain.slice(0, 2), plain.slice(2)]),
    ):
        prompts, refused = rows.usable(array)
        assert (prompts.to_pylist(), refused) == (expected[0].to_pylist(), expected[1])


def test_arrow_bytes_that_are_not_utf8():
    raw = pa.array([b"a", b"\xff", None, b"\xed\xa0\x80"])
    unchecked = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    for array in (raw, unchecked, pa.chunked_array([unchecked])):
        prompts, refused = rows.usable(array)
        assert prompts.to_pylist() == ["a"]
        assert refused == {rows.NOT_A_STRING: 1, rows.NOT_UTF8: 2}


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.list_(pa.string())])
def test_no_rows(kind):
    prompts, refused = rows.usable(pa.chunked_array([], type=kind))
    assert (len(prompts), refused) == (0, {})


def test_numbers_are_not_strings():
    assert rows.usable(pa.array([1, 2]))[1] == {rows.NOT_A_STRING: 2}
