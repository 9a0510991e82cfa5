from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anatomy.corpus import build
from anatomy.corpus.model import Reading, SourceFile
from anatomy.errors import InputError
from tests.corpus import layouts
from tests.corpus.layouts import put

FEW = st.sampled_from(["a", "A", "b", "a ", "é", "e\u0301", "\u200b", "cat"])


def reading(prompts, **more):
    prompts = list(prompts)
    refused = more.pop("refused", {})
    return Reading(
        pa.array(prompts, type=pa.large_string()),
        more.pop("files", ()),
        len(prompts) + sum(refused.values()),
        refused,
        **more,
    )


@given(st.lists(st.lists(st.one_of(FEW, st.text(max_size=3)), min_size=1), min_size=1, max_size=5))
def test_laws(sources):
    corpus = build.build([(f"s{i}", "user", "", reading(p)) for i, p in enumerate(sources)])
    strings = corpus.prompts.to_pylist()

    # Each source's distinct prompts in the order they first appear, one source after the other.
    assert strings == [p for prompts in sources for p in dict.fromkeys(prompts)]
    assert corpus.source.tolist() == [i for i, p in enumerate(sources) for _ in set(p)]

    # Numbers of the union, in the order of first appearance.
    union = list(dict.fromkeys(strings))
    assert corpus.prompt.tolist() == [union.index(p) for p in strings]
    assert corpus.first.sum() == len(union) == corpus.prompt.max() + 1
    assert corpus.prompts.filter(pa.array(corpus.first)).to_pylist() == union

    for prompts, summary in zip(sources, corpus.summaries, strict=True):
        assert summary.rows == summary.usable == len(prompts)
        assert summary.usable == summary.duplicates + summary.unique
        assert summary.unique == len(set(prompts))

    assert corpus.prompts.type == pa.large_string()
    assert (corpus.source.dtype, corpus.prompt.dtype) == (np.int16, np.int64)
    assert corpus.first.dtype == bool
    assert len(corpus.source) == len(corpus.prompt) == len(corpus.first) == len(corpus)


def test_summaries_keep_provenance():
    file = SourceFile("a.txt", 3, "0" * 64)
    given_reading = reading("aab", refused={"empty": 2}, notes={"x": 1}, files=(file,))
    corpus = build.build([("mine", "user", "a.txt:b", given_reading)])
    (summary,) = corpus.summaries
    assert (summary.name, summary.kind, summary.title) == ("mine", "user", "a.txt:b")
    assert (summary.files, summary.notes, summary.refused) == ((file,), {"x": 1}, {"empty": 2})
    assert (summary.rows, summary.usable, summary.duplicates, summary.unique) == (5, 3, 1, 2)
    assert corpus.names == ("mine",)
    assert not corpus.has_stand_ins


def test_refusals():
    file = SourceFile("f.txt", 3, "0" * 64)
    for readings, problem in (
        ([], "no sources"),
        ([("a", "user", "", reading("x"))] * 2, "a: two sources have this name"),
        ([("a", "user", "", reading(""))], "a: has no usable prompt; it has no rows"),
        (
            [
                (
                    "a",
                    "user",
                    "",
                    reading("", refused={"empty": 1200, "not UTF-8": 1}, files=(file,)),
                )
            ],
            "f.txt: has no usable prompt; rows refused: 1,200 empty, 1 not UTF-8",
        ),
    ):
        with pytest.raises(InputError) as caught:
            build.build(readings)
        assert str(caught.value).startswith(problem)


# ---- load


def official(folder):
    layouts.put_veval(folder / "saco-veval" / "annotation" / "saco_veval_sav_val.json", "ab", "a")
    layouts.put_coco(folder / "rf100vl" / "birds" / "train", ["crow"])
    return folder


def test_load_reads_official_bundled_and_user_files(tmp_path):
    official(tmp_path)
    mine = put(tmp_path / "mine.txt", "a\nzucchini\nzucchini\n")
    corpus = build.load(["saco-veval", "lvis", f"{mine}"], tmp_path, False, 0)
    assert corpus.names == ("saco-veval", "lvis", "mine")
    assert [s.kind for s in corpus.summaries] == ["official", "bundled", "user"]
    assert [s.unique for s in corpus.summaries] == [2, 1203, 2]
    assert corpus.first[-2:].tolist() == [False, False]
    assert corpus.summaries[0].files[0].path == "saco-veval/annotation/saco_veval_sav_val.json"
    assert corpus.summaries[2].files[0].path == str(mine)


def test_official_lvis_comes_before_the_bundled_names(tmp_path):
    layouts.put_lvis(tmp_path / "lvis" / "lvis_v1_val.json", ["my_cat"])
    corpus = build.load(["lvis"], tmp_path, False, 0)
    assert corpus.prompts.to_pylist() == ["my cat"]
    assert corpus.summaries[0].kind == "official"


def test_missing_sources_are_named_together(tmp_path):
    official(tmp_path)
    put(tmp_path / "broken.txt", b"\xff")  # not read: what is missing is said first
    with pytest.raises(InputError) as caught:
        build.load(["all", str(tmp_path / "broken.txt")], tmp_path, False, 0)
    first, *lines, last = str(caught.value).split("\n")
    assert first.startswith(f"{tmp_path}: these 3 sources are not there")
    assert [line.split()[:3] for line in lines] == [
        ["anatomy", "fetch", name] for name in ("refcoco", "saco-gold", "saco-silver")
    ]
    assert f"--data {tmp_path}" in lines[0]
    assert "156 MB" in lines[0]
    assert "Apache-2.0" in lines[0]
    assert "--stand-ins" in last


def test_missing_sources_in_the_default_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ANATOMY_DATA", str(tmp_path / "none"))
    with pytest.raises(InputError, match="this source is not there") as caught:
        build.load(["refcoco"], None, False, 0)
    assert "anatomy fetch refcoco  (RefCOCO" in str(caught.value)


def test_stand_ins_fill_what_is_missing(tmp_path, monkeypatch):
    official(tmp_path)
    calls = []

    def generate(name, count, seed=0):
        calls.append((name, count, seed))
        return pa.array([f"{name} {i}" for i in range(5)], type=pa.large_string())

    monkeypatch.setattr(build.standins, "generate", generate)
    corpus = build.load(["all"], tmp_path, True, 7)
    assert [(s.name, s.kind) for s in corpus.summaries] == [
        ("rf100vl", "official"),
        ("lvis", "bundled"),
        ("refcoco", "stand-in"),
        ("saco-gold", "stand-in"),
        ("saco-silver", "stand-in"),
        ("saco-veval", "official"),
    ]
    assert calls == [
        ("refcoco", 246_040, 7),
        ("saco-gold", 51_577, 7),
        ("saco-silver", 54_178, 7),
    ]
    assert corpus.has_stand_ins
    assert corpus.summaries[2].files == ()


def test_a_source_without_a_usable_row_names_its_file(tmp_path):
    path = put(tmp_path / "blank.txt", "\n \n")
    with pytest.raises(InputError) as caught:
        build.load([str(path)], None, False, 0)
    assert str(caught.value) == f"{path}: has no usable prompt; rows refused: 2 empty"
    with pytest.raises(InputError, match="has no usable prompt; it has no rows"):
        build.load([str(put(path, ""))], None, False, 0)


def test_status(tmp_path):
    official(tmp_path)
    found = {source.name: rest for source, *rest in build.status(tmp_path)}
    assert found == {
        "rf100vl": ["official", 1, None],
        "lvis": ["bundled", 1, 1_203],
        "refcoco": ["missing", 0, 246_040],
        "saco-gold": ["missing", 0, 51_577],
        "saco-silver": ["missing", 0, 54_178],
        "saco-veval": ["official", 1, None],
    }
    counted = {source.name: prompts for source, _, _, prompts in build.status(tmp_path, count=True)}
    assert (counted["rf100vl"], counted["saco-veval"]) == (1, 2)


def test_real_corpora(corpora):
    corpus = build.load(["saco-veval", "lvis", "refcoco"], corpora, False, 0)
    assert [s.unique for s in corpus.summaries] == [51_248, 1_203, 20_229]
    assert [s.kind for s in corpus.summaries] == ["official"] * 3
    assert corpus.first.sum() == len(corpus.prompts.unique())
