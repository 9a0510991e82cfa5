from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import zipfile

import pytest

from anatomy.corpus import official, rawfiles, registry
from anatomy.errors import InputError
from tests.corpus import layouts
from tests.corpus.layouts import GOLD, put, put_json


def read(name, data):
    source = registry.by_name(name)
    return source.read(source.locate(data), data)


def test_gold(tmp_path):
    folder = tmp_path / "saco-gold"
    layouts.put_phrases(folder / GOLD.format("sa1b", "a"), ["a dog", "cat"])
    layouts.put_phrases(folder / GOLD.format("crowded", "b"), ["a dog", None, ""])
    layouts.put_phrases(folder / GOLD.format("crowded", "a"), ["two cats"])
    put(folder / "README.md", "not an annotation file")
    reading = read("saco-gold", tmp_path)
    assert reading.prompts.to_pylist() == ["two cats", "a dog", "a dog", "cat"]
    assert reading.rows == 6
    assert reading.refused == {"not a string": 1, "empty": 1}
    assert reading.notes == {"subsets (of 7)": 2, "files (of 21)": 3}
    assert [file.path for file in reading.files] == [
        "saco-gold/gold_crowded_merged_a_release_test.json",
        "saco-gold/gold_crowded_merged_b_release_test.json",
        "saco-gold/gold_sa1b_merged_a_release_test.json",
    ]
    raw = (tmp_path / reading.files[0].path).read_bytes()
    assert reading.files[0].bytes == len(raw)
    assert reading.files[0].sha256 == hashlib.sha256(raw).hexdigest()


def test_silver_fathomnet_is_not_called_merged(tmp_path):
    layouts.put_phrases(tmp_path / "saco_silver" / "silver_fathomnet_test.json", ["a squid"])
    layouts.put_phrases(tmp_path / "saco_silver" / "silver_droid_merged_test.json", ["a table"])
    reading = read("saco-silver", tmp_path)
    assert reading.prompts.to_pylist() == ["a table", "a squid"]
    assert reading.notes == {"domains (of 10)": 2}


def test_veval(tmp_path):
    folder = tmp_path / "saco-veval" / "annotation"
    layouts.put_veval(folder / "saco_veval_sav_test.json", ["a", "b", "c"], ["a", "a", 3])
    layouts.put_veval(folder / "saco_veval_yt1b_val.json", ["a", "b", "c"], ["a", "c"])
    reading = read("saco-veval", tmp_path)
    assert reading.prompts.to_pylist() == ["a", "b", "c"] * 2
    assert reading.notes == {"files (of 6)": 2, "queried noun phrases": 2}


def test_lvis(tmp_path):
    layouts.put_lvis(tmp_path / "lvis" / "lvis_v1_val.json", ["aerosol_can", "cap_(headwear)"])
    reading = read("lvis", tmp_path)
    assert reading.prompts.to_pylist() == ["aerosol can", "cap (headwear)"]
    assert reading.notes == {"synonyms": 4}


def zipped(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def test_lvis_zipped(tmp_path):
    plain = layouts.put_lvis(tmp_path / "x.json", ["cat"]).read_bytes()
    packed = zipped("lvis_v1_val.json", plain)
    put(tmp_path / "lvis" / "lvis_v1_val.json.zip", packed)
    reading = read("lvis", tmp_path)
    assert reading.prompts.to_pylist() == ["cat"]
    assert reading.files[0].sha256 == hashlib.sha256(packed).hexdigest()


def test_rf100vl(tmp_path):
    folder = tmp_path / "rf100vl"
    layouts.put_coco(folder / "zebras" / "train", ["zebra"])
    layouts.put_coco(folder / "birds" / "valid", ["crow", "tit"], placeholder=False)
    layouts.put_coco(folder / "birds" / "train", ["crow", "tit"])
    put(folder / "birds" / "README.txt", "")
    reading = read("rf100vl", tmp_path)
    assert reading.prompts.to_pylist() == ["crow", "tit", "crow", "tit", "zebra"]
    assert reading.notes == {"datasets (of 100)": 2, "placeholder classes left out": 2}


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_refcoco(tmp_path, protocol):
    folder = tmp_path / "refcoco"
    layouts.put_refs(folder / "refcoco" / "refs(unc).p", [["a dog", "dog"], ["cat"]], protocol)
    layouts.put_refs(folder / "refcoco" / "refs(google).p", [["not read"]], protocol)
    layouts.put_refs(folder / "refcoco+" / "refs(unc).p", [["dog", None, " "]], protocol)
    layouts.put_refs(folder / "refcocog" / "refs(umd).p", [["the dog that sits"]], protocol)
    layouts.put_refs(folder / "refcocog" / "refs(google).p", [["not read"]], protocol)
    reading = read("refcoco", tmp_path)
    assert reading.prompts.to_pylist() == ["a dog", "dog", "cat", "dog", "the dog that sits"]
    assert reading.refused == {"not a string": 1, "empty": 1}
    assert reading.notes == {
        "sets (of 3)": 3,
        "refcoco+ expressions": 3,
        "refcoco expressions": 3,
        "refcocog expressions": 1,
    }


def test_a_folder_whose_name_is_not_utf8_can_still_be_recorded(tmp_path):
    folder = tmp_path / "rf100vl" / os.fsdecode(b"caf\xe9") / "train"
    try:
        layouts.put_coco(folder, ["cup"])
    except OSError:
        pytest.skip("this file system only takes UTF-8")
    (file,) = read("rf100vl", tmp_path).files
    assert file.path == "rf100vl/caf\\udce9/train/_annotations.coco.json"


def test_refcocog_in_googles_split_is_noted(tmp_path):
    layouts.put_refs(tmp_path / "refcocog" / "refs(google).p", [["the dog that sits"]])
    notes = read("refcoco", tmp_path).notes
    assert notes["refcocog in Google's split, not UMD's"] == 1


def test_a_memo_that_unfolds_without_end(tmp_path):
    # 5,000 references, each the same one with the same 5,000 sentences: 25 million rows.
    sentences = [{"sent": "a"}]
    sentences *= 5_000
    refs = [{"sentences": sentences}]
    refs *= 5_000
    path = put(tmp_path / "refcoco" / "refs(unc).p", pickle.dumps(refs, 2))
    assert path.stat().st_size < 30_000
    with pytest.raises(InputError, match="unfolds into more rows"):
        read("refcoco", tmp_path)


@pytest.mark.parametrize(
    ("refs", "problem"),
    [
        ({}, "not a list of references"),
        ([], "not a list of references"),
        (["a dog"], 'without "sentences"'),
        ([{"sentences": "a dog"}], 'without "sentences"'),
    ],
)
def test_pickles_that_are_no_refs(tmp_path, refs, problem):
    put(tmp_path / "refcoco" / "refs(unc).p", pickle.dumps(refs))
    with pytest.raises(InputError, match=problem):
        read("refcoco", tmp_path)


DEEP = b'{"images":' + b"[" * 200_000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"images": [{"text_input": "a d', "is not whole JSON"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is not whole JSON"),
        (b"<html>", "is not whole JSON"),
        (b'{"images": ["\xff"]}', r"is not UTF-8 at byte 13 \(line 1: 0xff\)"),
        ('{"images": []}'.encode("utf-16"), "looks like UTF-16"),
        (DEEP, "nested too deeply"),
        (b'{"images": ' + b"9" * 5000 + b"}", "thousands of digits"),
        (b"[]", "is a JSON list"),
        (b"null", "is a JSON NoneType"),
        (b"{}", 'has no list "images"'),
        (b'{"images": {"text_input": "a"}}', 'has no list "images"'),
    ],
)
def test_files_that_are_not_what_they_are_called(tmp_path, content, problem):
    path = put(tmp_path / "silver_geode_merged_test.json", content)
    with pytest.raises(InputError, match=problem) as caught:
        read("saco-silver", tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_entries_that_are_not_objects_count_as_rows(tmp_path):
    put_json(tmp_path / "silver_geode_merged_test.json", {"images": [1, {}, {"text_input": "a"}]})
    reading = read("saco-silver", tmp_path)
    assert (reading.rows, reading.refused) == (3, {"not a string": 2})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PK\x03\x04", "not a whole .zip file"),
        (zipped("lvis_v1_val.json", b"{}")[:-30], "not a whole .zip file"),
        (
            zipped("lvis_v1_val.json", b"{}" * 99, zipfile.ZIP_LZMA).replace(b"\5\0]", b"\5\0\xff"),
            "not a whole .zip file",
        ),
        (zipped("lvis_v1_train.json", b"{}"), "has no lvis_v1_val.json inside"),
        (zipped("lvis_v1_val.json", b"{}"), 'has no list "categories"'),
        (zipped("lvis_v1_val.json", b" " * 1000), "unpacks to more than"),
    ],
)
def test_zip_files(tmp_path, monkeypatch, content, problem):
    monkeypatch.setattr(rawfiles, "MAX_UNPACKED", 999)
    put(tmp_path / "lvis_v1_val.json.zip", content)
    with pytest.raises(InputError, match=problem) as caught:
        read("lvis", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_dropped(tmp_path):
    document = json.dumps({"images": [{"text_input": "a"}]}).encode()
    put(tmp_path / "silver_geode_merged_test.json", b"\xef\xbb\xbf" + document)
    assert read("saco-silver", tmp_path).prompts.to_pylist() == ["a"]


def test_annotations_are_dropped_while_parsing():
    found = {"id": 1, "name": "cat", "segmentation": [[1, 2]], "bbox": [0, 0, 1, 1]}
    assert official._thin(found) == {"id": 1, "name": "cat"}
    assert official._thin({"counts": "x"}) is official._NOTHING


# ---- the real files, where there are any


def test_real_veval(corpora):
    reading = read("saco-veval", corpora)
    assert len(reading.prompts.unique()) == 51_248
    assert reading.notes["queried noun phrases"] == 8


def test_real_lvis(corpora):
    reading = read("lvis", corpora)
    assert len(reading.prompts.unique()) == 1_203
    assert not any("_" in name for name in reading.prompts.to_pylist())


def test_real_refcoco(corpora):
    reading = read("refcoco", corpora)
    assert len(reading.prompts) == 26_488
    assert len(reading.prompts.unique()) == 20_229


def test_real_rf100vl(corpora):
    reading = read("rf100vl", corpora)
    assert reading.notes["datasets (of 100)"] == 100
    assert reading.notes["placeholder classes left out"] == 100
