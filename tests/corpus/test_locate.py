from __future__ import annotations

from pathlib import Path

import pytest

from anatomy.corpus import locate, registry
from anatomy.errors import InputError
from tests.corpus.layouts import put


def found(name, data):
    paths = registry.by_name(name).locate(data)
    return [path.relative_to(data).as_posix() for path in paths]


@pytest.mark.parametrize("name", registry.NAMES)
def test_nothing_there(tmp_path, name):
    assert found(name, tmp_path) == []
    assert found(name, tmp_path / "missing") == []


@pytest.mark.parametrize("folder", ["saco-veval/", "saco_veval/", "SACo-VEval/", ""])
@pytest.mark.parametrize("part", ["annotation/", "annotations/", ""])
def test_known_folders(tmp_path, folder, part):
    files = [f"{folder}{part}saco_veval_{s}.json" for s in ("smartglasses_val", "sav_test")]
    for file in [*files, f"{folder}{part}saco_veval_sav_test.json.bak", "other/x.json"]:
        put(tmp_path / file, "{}")
    assert found("saco-veval", tmp_path) == sorted(files)


def test_the_sources_own_folder_comes_first(tmp_path):
    put(tmp_path / "silver_geode_merged_test.json", "{}")
    put(tmp_path / "saco-silver" / "silver_droid_merged_test.json", "{}")
    assert found("saco-silver", tmp_path) == ["saco-silver/silver_droid_merged_test.json"]


def test_roboflows_copy_of_gold(tmp_path):
    file = "saco-gold/gt-annotations/gold_fg_food_merged_c_release_test.json"
    put(tmp_path / file, "{}")
    assert found("saco-gold", tmp_path) == [file]


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["lvis_v1_train.json", "lvis_v1_val.json.zip", "lvis_v1_val.json"], "lvis_v1_val.json"),
        (["lvis_v1_train.json", "lvis_v1_val.json.zip"], "lvis_v1_val.json.zip"),
        (["lvis_v1_train.json.zip", "lvis_v0.5_val.json"], "lvis_v1_train.json.zip"),
    ],
)
def test_one_lvis_file_is_enough(tmp_path, files, chosen):
    for file in files:
        put(tmp_path / "lvis" / file, "{}")
    assert found("lvis", tmp_path) == [f"lvis/{chosen}"]


@pytest.mark.parametrize("folder", ["refcoco/", ""])
def test_refcoco_sets(tmp_path, folder):
    for file in ("refcoco/refs(google).p", "refcoco+/refs(unc).p", "refcocog/refs(google).p"):
        put(tmp_path / f"{folder}{file}", "")
    assert found("refcoco", tmp_path) == [
        f"{folder}refcoco/refs(google).p",
        f"{folder}refcoco+/refs(unc).p",
        f"{folder}refcocog/refs(google).p",
    ]


def test_rf100vl_splits(tmp_path):
    for split in ("valid", "train", "other"):
        put(tmp_path / "rf100vl" / "birds" / split / "_annotations.coco.json", "{}")
    put(tmp_path / "rf100vl" / "LICENSE", "")
    assert found("rf100vl", tmp_path) == [
        "rf100vl/birds/train/_annotations.coco.json",
        "rf100vl/birds/valid/_annotations.coco.json",
    ]


def test_links_stay_inside(tmp_path):
    data = tmp_path / "data"
    inside = put(data / "elsewhere" / "file.json", "{}")
    link = data / "lvis" / "lvis_v1_val.json"
    link.parent.mkdir()
    link.symlink_to(inside)
    assert found("lvis", data) == ["lvis/lvis_v1_val.json"]

    link.unlink()
    link.symlink_to(put(tmp_path / "secret.json", "{}"))
    with pytest.raises(InputError, match="link to a place outside the data folder"):
        found("lvis", data)

    link.unlink()
    link.symlink_to(tmp_path / "gone.json")
    with pytest.raises(InputError, match="link to nothing"):
        found("lvis", data)

    link.unlink()
    link.symlink_to(link)
    with pytest.raises(InputError, match="link to nothing"):
        found("lvis", data)


def test_linked_folders_stay_inside_too(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    put(tmp_path / "outside" / "lvis_v1_val.json", "{}")
    (data / "lvis").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(InputError, match="outside the data folder"):
        found("lvis", data)


def test_the_data_folder_itself_may_be_a_link(tmp_path):
    put(tmp_path / "real" / "lvis_v1_val.json", "{}")
    (tmp_path / "data").symlink_to(tmp_path / "real", target_is_directory=True)
    assert found("lvis", tmp_path / "data") == ["lvis_v1_val.json"]


def test_a_folder_in_a_files_place(tmp_path):
    (tmp_path / "lvis_v1_val.json").mkdir()
    with pytest.raises(InputError, match="is not a file"):
        found("lvis", tmp_path)


def test_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ANATOMY_DATA", str(tmp_path / "named"))
    assert locate.data_folder(tmp_path) == tmp_path
    assert locate.data_folder() == tmp_path / "named"
    monkeypatch.setenv("ANATOMY_DATA", "")
    monkeypatch.setattr(locate.platformdirs, "user_cache_path", lambda name: Path("/cache") / name)
    assert locate.data_folder() == Path("/cache/anatomy/data")
    with pytest.raises(InputError, match="no such folder"):
        locate.data_folder(tmp_path / "missing")
