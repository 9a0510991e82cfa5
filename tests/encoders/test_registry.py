"""Encoders by name: what is there, what is missing and how to get it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from anatomy.encoders import NoWeightsError, resolve
from anatomy.encoders.places import cache_folder, encoder_folder
from anatomy.errors import InputError
from tests.encoders import tiny
from tests.fetch.web import Hub, serving


@pytest.fixture(autouse=True)
def empty_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("ANATOMY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_sam3_without_weights_says_how_to_get_them():
    (encoder,) = resolve(["sam3"])
    assert encoder.open is None and encoder.tokenizer.vocabulary_size == 49_408
    assert encoder.weights.startswith("not measured: no weights for sam3 here; pass --encoder")
    assert "sam3=facebook/sam3" in encoder.weights


@pytest.fixture
def cached(tmp_path):
    """The folder of a snapshot of facebook/sam3 in the hub client's cache."""
    repository = tmp_path / "hub" / "models--facebook--sam3"
    commit = "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    return repository / "snapshots" / commit


def test_sam3_is_found_in_the_hub_s_own_cache(cached):
    tiny.save_snapshot(cached)
    (encoder,) = resolve(["sam3"])
    assert encoder.weights == "" and encoder.open("cpu", "float32").context == 32


def test_what_sam3_s_own_package_leaves_in_that_cache_is_enough(cached):
    tiny.save_snapshot(cached)
    (cached / "model.safetensors").unlink()
    tiny.save_original(cached)
    (encoder,) = resolve(["sam3"])
    assert encoder.weights == ""
    assert encoder.open("cpu", "float32").files[0].path.endswith("sam3.pt")


def test_a_broken_off_download_is_no_weights(cached):
    tiny.save_snapshot(cached, shards=3)
    (cached / "model-00002-of-00003.safetensors").unlink()
    (encoder,) = resolve(["sam3"])
    assert encoder.open is None and "no weights for sam3 here" in encoder.weights


def test_minilm_is_looked_for_where_fetch_puts_it():
    with pytest.raises(InputError, match="run `anatomy fetch minilm`"):
        resolve(["minilm"])
    tiny.save_bert(encoder_folder("minilm"))
    (encoder,) = resolve(["minilm"])
    assert encoder.name == "minilm" and encoder.open("cpu", "float32").context == 24


def test_a_folder_with_a_tokenizer_alone_has_no_weights(tmp_path):
    tiny.save_tokenizer(tmp_path / "only")
    (encoder,) = resolve([f"hf:{tmp_path / 'only'}"])
    assert encoder.open is None and "no weights in" in encoder.weights


def test_names_stand_side_by_side_and_once(tmp_path):
    tiny.save_bert(tmp_path / "one")
    names = [f"minilm={tmp_path / 'one'}", "sam3", f"hf:{tmp_path / 'one'}"]
    assert [e.name for e in resolve(names)] == ["minilm", "sam3", names[2]]
    with pytest.raises(InputError, match="sam3 is named twice"):
        resolve(["sam3", "sam3=facebook/sam3"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sam4", "did you mean sam3"),
        ("minilmm", "did you mean minilm"),
        ("sam3=", "no path after the ="),
        ("sam3=/dev/null", "is neither a file nor a folder"),
        ("hf: ", "names nothing"),
        ("sam3=/no/such/place", "no such file or folder"),
        ("minilm=/no/such/place", r"no tokenizer\.json in this folder"),
        ("sam3=" + "x" * 5000, "is no path|no such file"),
        ("sam3=\0", "is no path|no such file"),
        ("sam3=../../x", "no such file or folder"),
        *(
            (f"hf:{place}", "is not a repository of the Hugging Face hub")
            for place in (
                *("../../no-such/x", "../x", "a/../b", "./x/y", "/no/such/x", "a/b/c", "a"),
                *("file:///etc/passwd", "http://x/y", "https://x.example/y", "ssh://x/y", "//x/y"),
                *("a b/c", "a/b ", " a/b", "a/b\n", "a\tb/c", "a/b\x1b[31m", "a/\u202eb", "é/b"),
                *("a/b?x=1", "a/b#main", "a/b@main", "a%2f..%2fb/c", "-a/b", "a/.b", "a--b/c"),
                *("a\\b/c", "C:/x", "~/no-such-x/y", "user:token@host/x"),
            )
        ),
    ],
)
def test_what_cannot_be_an_encoder_is_one_line(name, message):
    with pytest.raises(InputError, match=message) as caught:
        resolve([name])
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


def test_a_folder_without_sam3_is_refused_at_once(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"has neither model\.safetensors nor sam3\.pt"):
        resolve([f"sam3={tmp_path}"])


def test_looking_for_weights_loads_no_framework(tmp_path):
    tiny.save_bert(tmp_path / "bert")
    tiny.save_snapshot(tmp_path / "sam3")
    names = [f"sam3={tmp_path / 'sam3'}", f"minilm={tmp_path / 'bert'}", f"hf:{tmp_path / 'bert'}"]
    code = (
        f"import sys; from anatomy.encoders import resolve; found = resolve({names});"
        "assert all(encoder.open for encoder in found); resolve(['sam3']);"
        "sys.exit(bool({'torch', 'transformers', 'numba', 'skdim'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("ANATOMY_CACHE")
    assert cache_folder().name == "anatomy"


@pytest.fixture
def hub_at(monkeypatch):
    """Makes the hub's client talk to a local hub."""

    def at(address):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )

    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return at


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_sam3_comes_from_the_hub_without_what_is_not_needed(tmp_path, hub_at):
    files = files_of(tiny.save_snapshot(tmp_path / "there"))
    hub = Hub("facebook/sam3", files | {"sam3.pt": b"large"}, kind="model")
    with serving(hub) as address:
        hub_at(address)
        (encoder,) = resolve(["sam3=facebook/sam3"])
        assert hub.sent == []  # nothing is downloaded before it is needed
        assert encoder.open("cpu", "float32").context == 32
    assert sorted(hub.sent) == ["config.json", "model.safetensors"]


def test_a_gated_hub_is_one_line(tmp_path, hub_at):
    files = files_of(tiny.save_snapshot(tmp_path / "there"))
    with serving(Hub("facebook/sam3", files, gated=True, kind="model")) as address:
        hub_at(address)
        (encoder,) = resolve(["sam3=facebook/sam3"])
        with pytest.raises(InputError, match="facebook/sam3 is gated: accept its terms") as caught:
            encoder.open("cpu", "float32")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", [True, False])
def test_a_hub_model_is_opened_and_one_without_weights_says_so(tmp_path, hub_at, weights):
    tiny.save_bert(tmp_path / "there")
    files = files_of(tmp_path / "there")
    if not weights:
        files = {"tokenizer.json": files["tokenizer.json"]}
    with serving(Hub("someone/model", files, kind="model")) as address:
        hub_at(address)
        (encoder,) = resolve(["hf:someone/model"])
        if weights:
            assert encoder.open("cpu", "float32").context == 24
        else:
            with pytest.raises(NoWeightsError, match="someone/model has no weights"):
                encoder.open("cpu", "float32")


def test_an_unreachable_hub_is_not_one_without_weights(tmp_path, hub_at, monkeypatch):
    """The client gives what it has when there is no network: here, the tokenizer."""
    tiny.save_bert(tmp_path / "there")
    with serving(Hub("someone/model", files_of(tmp_path / "there"), kind="model")) as address:
        hub_at(address)
        (encoder,) = resolve(["hf:someone/model"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="someone/model: HF_HUB_OFFLINE is set") as caught:
        encoder.open("cpu", "float32")
    assert "\n" not in str(caught.value)


def test_weights_of_the_older_kind_come_from_the_hub_too(tmp_path, hub_at):
    module = tiny.save_bert(tmp_path / "there")
    (tmp_path / "there" / "model.safetensors").unlink()
    torch.save(module.state_dict(), tmp_path / "there" / "pytorch_model.bin")
    with serving(Hub("someone/model", files_of(tmp_path / "there"), kind="model")) as address:
        hub_at(address)
        (encoder,) = resolve(["hf:someone/model"])
        assert encoder.open("cpu", "float32").context == 24
