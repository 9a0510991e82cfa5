from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.report.plots.csv import COLUMNS, inert, original, to_csv
from anatomy.report.plots.series import Series, counted, shared
from anatomy.report.write import is_mix

DIGEST = "0" * 64
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "＝1+1",
    "a;=1+1",
    'a";"=1+1',
    "a\n=1+1",
    "#comment",
    "'quoted",
    "back\\slash\\x3b",
    "NA",
    "null",
    "nan",
    "1e5",
    "007",
    "true",
    "",
    " ",
    "the ",
    "猫",
    "\u202edog",
]


def written(texts: list[str]) -> bytes:
    numbers = [-0.25 * at for at in range(len(texts))]
    series = Series(
        "a panel", "", counted("rank"), shared("share"), range(len(texts)), numbers, labels=texts
    )
    return to_csv([series], [], DIGEST, "Contains stand-ins: a, b")


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(texts() | st.sampled_from(HOSTILE))
def test_a_text_comes_back_as_it_was(text):
    assert original(inert(text)) == text


@given(st.lists(texts() | st.sampled_from(HOSTILE), min_size=1, max_size=8))
def test_pandas_reads_each_text_as_a_text_and_each_number_as_a_number(texts):
    found = pd.read_csv(io.BytesIO(written(texts)), comment="#")
    assert tuple(found.columns) == COLUMNS
    assert [original(cell) for cell in found.label] == texts
    assert found.y.tolist() == [-0.25 * at for at in range(len(texts))]


@given(st.lists(texts() | st.sampled_from(HOSTILE), min_size=1, max_size=8))
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_parts_the_cells(separator, texts):
    table = written(texts).decode()
    lines = table.splitlines()[3:]
    assert len(lines) == len(texts)
    for row in csv.reader(lines, delimiter=separator):
        for cell in row:
            start = cell.lstrip(' "')
            number = start.startswith("-") and start.replace(".", "").replace("-", "", 1).isdigit()
            assert number or not start.startswith(tuple("=+-@\t\r＝＋－＠"))


def test_numbers_keep_all_their_digits():
    values = [0.1, 1 / 3, 1e-12, -0.4142135623730951, 3, None, float("nan")]
    series = Series("", "", counted("n"), shared("s"), range(7), values, values, values)
    found = pd.read_csv(io.BytesIO(to_csv([series], [], DIGEST)), comment="#")
    for column in (found.y, found.low, found.high):
        assert column[:5].tolist() == values[:5]
        assert column[5:].isna().all()


def test_a_folder_whose_tables_have_two_origins_is_a_mix(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "a.csv").write_bytes(to_csv([], [], DIGEST))
    assert not is_mix(tmp_path)
    (tmp_path / "figures" / "b.csv").write_bytes(to_csv([], [], "1" * 64))
    assert is_mix(tmp_path)


def test_the_digest_and_the_stand_ins_stand_above():
    lines = written(["a"]).decode().splitlines()
    assert lines[0] == f"# anatomy:findings {DIGEST}"
    assert lines[1] == "# Contains stand-ins: a, b"
