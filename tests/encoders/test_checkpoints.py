"""Weight files: what is read, and what is refused in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from anatomy.encoders.checkpoints import (
    check_config,
    read_json,
    read_shapes,
    read_tensors,
    weight_files,
)
from anatomy.encoders.transformers_models import load_transformers
from anatomy.errors import InputError
from tests.encoders import tiny

TENSORS = {
    "text.a": torch.arange(6.0).reshape(2, 3),
    "text.b": torch.ones(4),
    "other": torch.ones(1),
}


def written(folder, kind):
    """The tensors in files of a kind."""
    if kind == "safetensors":
        save_file(TENSORS, folder / "model.safetensors")
    elif kind == "shards":
        for at, (name, tensor) in enumerate(TENSORS.items()):
            save_file({name: tensor}, folder / f"part{at}.safetensors")
        where = {name: f"part{at}.safetensors" for at, name in enumerate(TENSORS)}
        index = folder / "model.safetensors.index.json"
        index.write_text(json.dumps({"weight_map": where}))
    else:
        content = {"model": TENSORS, "step": 3} if kind == "nested" else TENSORS
        path = folder / "pytorch_model.bin"
        torch.save(content, path, _use_new_zipfile_serialization=kind != "old")
    return weight_files(folder)


@pytest.mark.parametrize("kind", ["safetensors", "shards", "torch", "nested", "old"])
def test_every_kind_of_file_gives_the_same_tensors(tmp_path, kind):
    files = written(tmp_path, kind)
    found = read_tensors(files, ["text."])
    assert set(found) == {"text.a", "text.b"}
    assert all(torch.equal(found[name], TENSORS[name]) for name in found)
    assert set(read_tensors(files, [""])) == set(TENSORS)
    assert read_shapes(files) == {"text.a": [2, 3], "text.b": [4], "other": [1]}


def test_safetensors_are_preferred(tmp_path):
    written(tmp_path, "torch")
    assert [path.name for path in written(tmp_path, "safetensors")] == ["model.safetensors"]


def test_a_folder_without_weights_has_none(tmp_path):
    assert weight_files(tmp_path) == []


@pytest.mark.parametrize("kind", ["safetensors", "torch", "old"])
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "absent"])
def test_damaged_files_are_one_line(tmp_path, kind, damage):
    (path,) = written(tmp_path, kind)
    whole = path.read_bytes()
    content = {"cut": whole[:-20], "empty": b"", "text": b"these are no weights at all" * 20}
    if damage == "absent":
        path.unlink()
    else:
        path.write_bytes(content[damage])
    for read in (lambda: read_tensors([path], [""]), lambda: read_shapes([path])):
        with pytest.raises(InputError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_pickled_code_is_refused_and_not_run(tmp_path, capsys):
    for old in (True, False):
        path = tmp_path / "pytorch_model.bin"
        torch.save({"a": tiny.Bomb()}, path, _use_new_zipfile_serialization=not old)
        with pytest.raises(InputError, match="holds pickled code or is damaged"):
            read_tensors([path], [""])
    assert "never run" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [[torch.ones(2)], torch.ones(2), 7])
def test_a_file_that_names_no_tensors_is_no_checkpoint(tmp_path, content):
    torch.save(content, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_tensors([tmp_path / "pytorch_model.bin"], [""])


@pytest.mark.parametrize("name", ["../x.safetensors", "absent", "", ".", "x" * 300])
def test_an_index_names_files_beside_it_only(tmp_path, name):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(InputError, match="which is not beside it"):
        weight_files(tmp_path)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_an_index_without_a_map_is_refused(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(InputError, match="has no weight_map"):
        weight_files(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_configuration_is_one_line(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"config\.json: is n") as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_configurations_may_lie_in_each_other_as_deeply_as_they_like(tmp_path):
    config = {"hidden_size": -1}
    for _ in range(5000):
        config = {"inner": config}
    with pytest.raises(InputError, match="hidden_size is -1, no size"):
        check_config(config, tmp_path / "config.json", 5)


def test_configurations_are_small_files(tmp_path):
    path = tmp_path / "config.json"
    with pytest.raises(InputError, match="cannot be read"):
        read_json(path)
    with path.open("wb") as stream:
        stream.truncate(1 << 25)
    with pytest.raises(InputError, match="is too large for a configuration"):
        read_json(path)


def test_a_cut_file_of_a_real_encoder_is_refused(tmp_path):
    tiny.save_bert(tmp_path)
    path = tmp_path / "model.safetensors"
    assert len(load_file(path)) == 39
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors: is no checkpoint") as caught:
        load_transformers(tmp_path, None, "cpu", "float32")
    assert "\n" not in str(caught.value)


def test_a_tensor_that_is_not_plain_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a.weight": torch.eye(3).to_sparse(), "b": torch.eye(2)}, path)
    assert list(read_tensors([path], ["b"])) == ["b"]
    with pytest.raises(InputError, match=r"a\.weight is no plain tensor \(sparse"):
        read_tensors([path], ["a"])


def test_a_configuration_that_asks_for_tuples_gives_the_same_outputs(tmp_path):
    tiny.save_bert(tmp_path)
    config, ids = tmp_path / "config.json", np.array([[1, 2, 3]])
    plain = load_transformers(tmp_path, None, "cpu", "float32").encode(ids)
    config.write_text(json.dumps(json.loads(config.read_text()) | {"return_dict": False}))
    asked = load_transformers(tmp_path, None, "cpu", "float32").encode(ids)
    assert (plain.tokens == asked.tokens).all()
