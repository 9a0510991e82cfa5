"""Encoders by name: what is there, what is missing and how to get it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from anatomy.encoders import resolve
from anatomy.encoders.places import cache_folder, encoder_folder
from anatomy.errors import InputError
from tests.encoders import tiny


@pytest.fixture(autouse=True)
def empty_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("ANATOMY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_sam3_without_weights_says_how_to_get_them():
    (encoder,) = resolve(["sam3"])
    assert encoder.open is None and encoder.tokenizer.vocabulary_size == 49_408
    assert encoder.weights.startswith("not measured: no weights for sam3 here; pass --encoder")
    assert "sam3=facebook/sam3" in encoder.weights


def test_sam3_is_found_in_the_hub_s_own_cache(tmp_path):
    repository = tmp_path / "hub" / "models--facebook--sam3"
    commit = "0" * 40
    tiny.save_snapshot(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    (encoder,) = resolve(["sam3"])
    assert encoder.weights == "" and encoder.open("cpu", "float32").context == 32


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
        ("sam3=/no/such/place", "no such file or folder"),
        ("minilm=/no/such/place", r"no tokenizer\.json in this folder"),
        ("sam3=" + "x" * 5000, "is no path|no such file"),
        ("sam3=\0", "is no path|no such file"),
    ],
)
def test_what_cannot_be_an_encoder_is_one_line(name, message):
    with pytest.raises(InputError, match=message) as caught:
        resolve([name])
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


def test_looking_for_weights_loads_no_framework():
    code = (
        "import sys; from anatomy.encoders import resolve; resolve(['sam3']);"
        "sys.exit(bool({'torch', 'transformers', 'numba', 'skdim'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("ANATOMY_CACHE")
    assert cache_folder().name == "anatomy"
