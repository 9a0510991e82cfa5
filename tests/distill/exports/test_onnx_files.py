"""ONNX exports under onnxruntime."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer

from anatomy.errors import InputError
from distill.exports import export, onnx_files
from distill.exports.runtime import measure
from distill.students import Student
from tests.distill.exports import runs


def run_model(path, ids, mask):
    opened = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return opened.run(["tokens", "pooled"], {"input_ids": ids, "attention_mask": mask})


@pytest.mark.parametrize(("batch", "length"), [(1, 6), (3, 6), (64, 2), (1, 1), (5, 4)])
def test_a_shallow_students_batch_and_length_are_free(bert, batch, length):
    run, done = bert
    student = Student.load(run / "student")
    ids = np.random.default_rng(0).integers(0, student.vocabulary_size, (batch, length))
    lengths = 1 + np.arange(batch) % length
    mask = np.arange(length) < lengths[:, None]
    tokens, pooled = run_model(done["onnx"].folder / "model.onnx", ids, mask.astype(np.int64))
    valid = torch.from_numpy(mask)
    with torch.inference_mode():
        own = student(torch.from_numpy(ids), valid)
    np.testing.assert_allclose(tokens[mask], own[valid].numpy(), atol=1e-5)
    for row in range(batch):
        mean = own[row, : lengths[row]].mean(dim=0).numpy()
        np.testing.assert_allclose(pooled[row], mean, atol=1e-5)


def test_text_goes_through_with_the_tokenizer_beside_the_model(lite):
    """As a user without torch and transformers runs it."""
    run, done = lite
    folder = done["onnx"].folder
    encodings = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(
        ["dog", "the blue cat " * 20]
    )
    ids = np.array([e.ids for e in encodings])
    mask = np.array([e.attention_mask for e in encodings])
    assert ids.shape == (2, runs.CONTEXT)
    tokens, _ = run_model(folder / "model.onnx", ids, mask)
    valid = torch.from_numpy(mask).bool()
    with torch.inference_mode():
        own = Student.load(run / "student")(torch.from_numpy(ids), valid)
    np.testing.assert_allclose(tokens[valid.numpy()], own[valid].numpy(), atol=1e-5)


def test_the_snippet_of_the_card_gives_the_students_outputs(lite, bert):
    for run, done in (lite, bert):
        folder = done["onnx"].folder
        (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)
        assert "torch" not in code and "transformers" not in code
        space: dict = {}
        exec(code.replace('"FOLDER"', repr(str(folder))), space)  # noqa: S102 (the card's own text)
        mask = torch.from_numpy(space["mask"]).bool()
        with torch.inference_mode():
            own = Student.load(run / "student")(torch.from_numpy(space["ids"]), mask)
        np.testing.assert_allclose(space["tokens"][space["mask"] > 0], own[mask], atol=1e-5)
        mean = (own * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        np.testing.assert_allclose(space["pooled"], mean, atol=1e-5)


def test_a_padded_student_takes_no_other_length(lite):
    path = lite[1]["onnx"].folder / "model.onnx"
    ids = np.ones((1, runs.CONTEXT - 1), dtype=np.int64)
    with pytest.raises(Exception, match="invalid dimensions"):
        run_model(path, ids, ids)


def test_int8_is_small_and_near(lite, bert):
    for _, done in (lite, bert):
        record, folder = done["onnx"].record, done["onnx"].folder
        (int8,) = [c for c in record.comparisons if "int8" in c.what]
        assert int8.measure == "lowest cosine" and 0.97 <= int8.value <= 1
        sizes = record.measured["bytes"]
        assert sizes["model_int8.onnx"] < sizes["model.onnx"]
        assert sizes["model.onnx"] == (folder / "model.onnx").stat().st_size
        ratio = sizes["model_int8.onnx"] / record.measured["int8_estimate_bytes"]
        assert record.measured["int8_file_to_estimate"] == pytest.approx(ratio)
        # Each table and matrix of the student is in int8, pointwise convolutions as well.
        model = onnx.load(folder / "model_int8.onnx")
        wide = [
            tensor.name
            for tensor in model.graph.initializer
            if tensor.data_type == onnx.TensorProto.FLOAT
            and len([size for size in tensor.dims if size > 1]) == 2
            and min(size for size in tensor.dims if size > 1) >= 32
        ]
        assert wide == []


def test_the_model_names_no_folder_of_this_machine(lite):
    data = (lite[1]["onnx"].folder / "model.onnx").read_bytes()
    assert b"students.py" not in data and b"site-packages" not in data


def test_without_the_extra_one_line_says_how_to_install_it(lite, monkeypatch, tmp_path):
    run, _ = lite
    found = importlib.util.find_spec

    def without(name, *rest):
        return None if name == "onnxscript" else found(name, *rest)

    monkeypatch.setattr(onnx_files.importlib.util, "find_spec", without)
    with pytest.raises(InputError, match=r"onnxscript not installed; pip install 'prompt-anatomy"):
        export(run, ["onnx"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_torch_cannot_export_is_one_line(lite, monkeypatch, tmp_path):
    def fails(*_, **__):
        raise torch.onnx.OnnxExporterError("No decomposition of roll\nNext steps: ...")

    monkeypatch.setattr(torch.onnx, "export", fails)
    line = r"cannot export Sam3LiteTextTextModel \(No decomposition of roll\); export it --to trans"
    with pytest.raises(InputError, match=line) as caught:
        export(lite[0], ["onnx"], tmp_path)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_cost_is_measured_in_a_new_process(bert, monkeypatch):
    from tests.conftest import REPOSITORY

    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    run, done = bert
    options = {"length": 6, "tokens": 12, "batches": (1, 4), "seconds": 0.01}
    light = measure("onnxruntime", done["onnx"].folder / "model.onnx", **options)
    heavy = measure("torch", run / "student", **options)
    for cost in (light, heavy):
        assert set(cost.milliseconds) == {1, 4} and min(cost.milliseconds.values()) > 0
        assert cost.library_bytes < cost.loaded_bytes <= cost.resident_bytes
    assert light.resident_bytes < heavy.resident_bytes
    with pytest.raises(InputError, match="onnxruntime failed on it"):
        measure("onnxruntime", run / "recipe.yaml", **options)
