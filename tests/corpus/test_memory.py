from __future__ import annotations

import enum
import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus import memory, rows
from anatomy.corpus.tables import read_table
from anatomy.errors import InputError

PROMPTS = ["a dog", "two cats", "a dog", "", "red\0shirt", "\ud800", 3, None, "x" * 100_001]
REFUSED = {
    rows.NOT_A_STRING: 2,
    rows.LONE_SURROGATE: 1,
    rows.NUL: 1,
    rows.TOO_LONG: 1,
    rows.EMPTY: 1,
}


def test_prompts_are_refused_for_the_reasons_for_which_rows_are():
    (reading,) = memory.read_prompts(PROMPTS).values()
    assert reading.prompts.to_pylist() == ["a dog", "two cats", "a dog"]
    assert reading.refused == REFUSED
    assert reading.rows == len(PROMPTS)
    assert reading.files == ()


@given(st.lists(st.one_of(st.text(max_size=6), st.none(), st.integers()), max_size=8))
def test_a_list_is_read_as_a_json_file_of_it(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("prompts") / "p.json"
    path.write_text(json.dumps(values))
    there, here = read_table(path), memory.read_prompts(values)["prompts"]
    assert here.prompts.equals(there.prompts)
    assert (here.rows, here.refused) == (there.rows, there.refused)


class Colour(str, enum.Enum):  # noqa: UP042 (a StrEnum would hide the trap)
    RED = "red"


@pytest.mark.parametrize(
    "values",
    [
        ["red", "blue"],
        ("red", "blue"),
        (word for word in ("red", "blue")),
        {"red": 1, "blue": 2}.keys(),
        np.array(["red", "blue"]),
        np.array(["red", "blue"], dtype=object),
        list(np.array(["red", "blue"])),
        pd.Series(["red", "blue"], index=[7, 7]),
        pd.Series(["red", "blue"], dtype="category"),
        pd.Index(["red", "blue"]),
        pa.array(["red", "blue"]),
        pa.chunked_array([["red"], ["blue"]]),
        [Colour.RED, "blue"],
    ],
    ids=lambda values: type(values).__name__,
)
def test_columns_of_all_kinds_are_the_same_prompts(values):
    (reading,) = memory.read_prompts(values).values()
    assert reading.prompts.to_pylist() == ["red", "blue"]
    # anyone can compute it: the prompts' UTF-8, each ended by a NUL
    assert reading.sha256 == hashlib.sha256(b"red\0blue\0").hexdigest()


def test_missing_values_of_a_table_are_counted():
    for column in (
        pd.Series(["red", None, float("nan")]),
        pd.Series(["red", None, pd.NA], dtype="string"),
        pa.array(["red", None, None]),
    ):
        (reading,) = memory.read_prompts(column).values()
        assert reading.prompts.to_pylist() == ["red"]
        assert reading.refused == {rows.NOT_A_STRING: 2}


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_the_hash_is_of_the_usable_prompts_in_order(one, two):
    (a,) = memory.read_prompts(one).values()
    (b,) = memory.read_prompts([*two, "", None]).values()
    assert (a.sha256 == b.sha256) == (a.prompts.to_pylist() == b.prompts.to_pylist())


def test_names_become_sources_in_their_order():
    found = memory.read_prompts({"before": ["a"], "after, in French": (p for p in ["b"])})
    assert list(found) == ["before", "after, in French"]


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ("a dog", "is one text; give a list"),
        (b"a dog", "is one text; give a list"),
        ({"mine": "a dog"}, r"prompts= \(mine\): is one text"),
        ({"a", "b"}, "is a set, which has no order"),
        (3, "is int; give a list"),
        (pd.DataFrame({"prompt": ["a"]}), "rows and columns; give one column"),
        (np.array([["a"]]), "rows and columns; give one column"),
        (np.array("a"), "rows and columns; give one column"),
        ({"mine": {"a": "b"}}, "rows and columns; give one column"),
        ({"lvis": ["a"]}, "lvis is a name that anatomy uses itself; give another, my-lvis"),
        ({"combined": ["a"]}, "combined is a name that anatomy uses itself"),
        ({3: ["a"]}, "no name of a source"),
        ({" ": ["a"]}, "no name of a source"),
        ({"\x1b[31m": ["a"]}, "no name of a source"),
        ({"\ud800": ["a"]}, "no name of a source"),
        ({"x" * 65: ["a"]}, "too long for a name"),
    ],
)
def test_what_is_no_list_of_prompts_is_one_line(prompts, message):
    with pytest.raises(InputError, match=message) as error:
        memory.read_prompts(prompts)
    assert "\n" not in str(error.value)
    str(error.value).encode()


def test_an_error_of_the_callers_own_generator_is_the_callers():
    def broken():
        yield "a dog"
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        memory.read_prompts(broken())
