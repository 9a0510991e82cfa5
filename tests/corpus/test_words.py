from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus.words import Words


@given(st.lists(st.text(alphabet="ab \t\u3000'é", max_size=12), max_size=8))
def test_words_are_what_pythons_split_gives(texts):
    words = Words.of(pa.array(texts, pa.large_string()))
    assert words.texts == len(texts)
    found = [[] for _ in texts]
    for row, code in zip(words.rows, words.codes, strict=True):
        found[row].append(words.known[code])
    assert found == [text.split() for text in texts]
    assert len(set(words.known)) == len(words.known)
