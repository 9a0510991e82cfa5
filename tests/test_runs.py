from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.findings import from_ranges, ranges
from anatomy.findings.runs import parse, size, spell, without

IDS = st.sets(st.integers(0, 60))


@given(IDS, IDS)
def test_runs_without_others_are_sets_without_others(a, b):
    left = without(parse(ranges(sorted(a))), parse(ranges(sorted(b))))
    assert from_ranges(spell(left)) == sorted(a - b)
    assert size(left) == len(a - b)
    assert spell(left) == ranges(sorted(a - b))


@pytest.mark.parametrize("text", ["0-999999999999999", "5,7-99999999999999999999"])
def test_absurd_runs_take_no_room(text):
    assert size(without(parse(text), parse("3-6"))) > 10**14
