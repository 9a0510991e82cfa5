"""Exports as a whole: what is refused, what is replaced, what is left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from anatomy.errors import InputError
from anatomy.locks import NAME
from distill.commands.export import export as command
from distill.exports import export, read_record, record, transformers_folder
from distill.exports.record import FILE_NAME
from distill.exports.trained import read_run
from distill.mobileclip import efficientsam3_tensors
from distill.students import Student
from tests.distill.exports import runs
from tests.holding import held_elsewhere


@pytest.fixture
def run(lite, tmp_path):
    """A copy of a run, to be changed; without exports."""
    shutil.copytree(lite[0], tmp_path / "run", ignore=shutil.ignore_patterns("exports"))
    return tmp_path / "run"


def test_efficientsam3_names_hold_the_students_numbers(lite):
    run, done = lite
    folder = done["efficientsam3"].folder
    tensors = load_file(folder / "text_encoder.safetensors")
    other = torch.load(folder / "text_encoder.pt", weights_only=True)
    student = Student.load(run / "student")
    start = "backbone.language_backbone."
    assert tensors.keys() == other.keys() == efficientsam3_tensors(student).keys()
    assert torch.equal(tensors[f"{start}projector.weight"], student.projector.weight)
    layer = student.text_model.layers[1].self_attn
    packed = torch.cat([layer.q_proj.weight, layer.k_proj.weight, layer.v_proj.weight])
    there = f"{start}encoder.transformer.1.pre_norm_mha.1.qkv_proj.weight"
    assert torch.equal(tensors[there], packed) and torch.equal(other[there], packed)
    listed = done["efficientsam3"].record.measured["tensors"]
    assert listed == {name: list(tensor.shape) for name, tensor in tensors.items()}
    with pytest.raises(InputError, match="is made of its teacher's layers"):
        export(runs.shallow(run.parent / "other"), ["efficientsam3"])


def test_the_record_lists_files_and_differences(lite):
    for exported in lite[1].values():
        record = read_record(exported.folder)
        assert record == exported.record
        files = {p.relative_to(exported.folder).as_posix() for p in exported.folder.rglob("*.*")}
        assert files == {*record.files, FILE_NAME}
        assert record.context == runs.CONTEXT and record.padding == "fixed"
        assert all(found.holds for found in record.comparisons)
        assert any("per-token" in found.what for found in record.comparisons)


def test_an_earlier_export_is_replaced_and_anything_else_refused(run):
    (first,) = export(run, ["efficientsam3"])
    (again,) = export(run, ["efficientsam3"])
    assert again.record == first.record
    assert [path.name for path in (run / "exports").iterdir()] == ["efficientsam3"]
    (first.folder / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"thesis.tex was not exported there"):
        export(run, ["efficientsam3"])
    shutil.rmtree(first.folder)
    first.folder.mkdir()
    (first.folder / "photo.jpg").write_text("mine")
    with pytest.raises(InputError, match="holds something else than an export"):
        export(run, ["transformers", "efficientsam3"])
    assert [path.name for path in (run / "exports").rglob("*")] == ["efficientsam3", "photo.jpg"]
    shutil.rmtree(first.folder)
    first.folder.symlink_to(run.parent)
    with pytest.raises(InputError, match="is in the way"):
        export(run, ["efficientsam3"])


def test_the_card_tells_what_was_measured_and_names_no_folder(run):
    card = export(run, ["transformers"])[0].folder / "README.md"
    assert "not measured yet" in card.read_text() and str(run) not in card.read_text()
    for needed in ("SAM License", "refcoco", "context L | 9 tokens", "Limits"):
        assert needed in card.read_text()
    (run / "metrics.json").write_text("[1]")
    with pytest.raises(InputError, match=r"metrics.json: not a metrics.json"):
        export(run, ["transformers"])


def test_the_card_has_the_numbers_of_the_evaluation(own_run, done):
    card = export(own_run, ["transformers"])[0].folder / "README.md"
    for group in done.evaluation.groups:
        row = f"| {group.group} | {group.prompts:,} | {group.pooled.student.mean:.4f} |"
        assert row in card.read_text()
    assert "not measured" not in card.read_text()


def test_two_exports_to_one_place_do_not_meet_and_left_overs_go(run):
    place = run / "exports"
    with held_elsewhere(run / NAME), pytest.raises(InputError, match="at work since"):
        export(run, ["efficientsam3"])
    left = place / ".efficientsam3.abc.anatomy-partial"
    left.mkdir(parents=True)
    (left / "text_encoder.pt").write_text("half")
    export(run, ["efficientsam3"])
    assert [path.name for path in place.iterdir()] == ["efficientsam3"]


def test_a_kill_between_the_old_exports_name_and_the_new_ones_leaves_nothing_for_good(
    run, monkeypatch
):
    export(run, ["efficientsam3"])
    rename, calls = Path.rename, []

    def killed(path, target):
        calls.append(path)
        if len(calls) > 1:  # nothing after the first is done
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", killed)
        patch.setattr(record.shutil, "rmtree", lambda *_, **__: None)
        export(run, ["efficientsam3"])
    assert not (run / "exports" / "efficientsam3").exists()
    export(run, ["efficientsam3"])
    assert [path.name for path in (run / "exports").iterdir()] == ["efficientsam3"]


def test_an_export_that_is_not_the_student_is_not_written(run, monkeypatch):
    (before,) = export(run, ["transformers"])
    kept = before.folder.joinpath("config.json").stat().st_ino

    own = transformers_folder.published

    def wrong(trained):
        model = own(read_run(trained.folder))  # of its own weights: `published` shares them
        with torch.no_grad():
            model.layers[1].mlp.fc1.bias += 0.1
        return model

    monkeypatch.setattr(transformers_folder, "published", wrong)
    line = r"the export is not the run's student: per-token outputs.*, tolerance 0.000"
    with pytest.raises(InputError, match=line):
        export(run, ["transformers"])
    assert [path.name for path in (run / "exports").iterdir()] == ["transformers"]
    assert before.folder.joinpath("config.json").stat().st_ino == kept


def test_a_run_that_is_not_whole_is_refused_by_name(run):
    def refused(line):
        with pytest.raises(InputError, match=line) as caught:
            export(run, ["transformers"])
        assert "\n" not in str(caught.value)
        assert not (run / "exports").exists() or list((run / "exports").iterdir()) == []

    tokenizer = run / "student" / "tokenizer"
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe.replace("context: 9", "context: 8"))
    refused(r"is not of this run \(context: 9 there, 8")
    (run / "recipe.yaml").write_text(recipe)
    shutil.rmtree(tokenizer)
    refused("tokenizer")
    weights = load_file(run / "student" / "student.safetensors")
    save_file({n: t * np.nan for n, t in weights.items()}, run / "student" / "student.safetensors")
    refused("student.safetensors")
    (run / "student" / "student.json").unlink()
    refused("student.json")
    shutil.rmtree(run / "student")
    refused("has no student yet; let its training end")
    (run / "recipe.yaml").unlink()
    refused("has no recipe.yaml")


def test_the_command_prints_differences_and_finds_runs_by_name(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    (run.parent / "runs").mkdir()
    run.rename(run.parent / "runs" / "mine")
    said = CliRunner().invoke(command, ["mine", "--to", "transformers", "--out", "there"])
    assert said.exit_code == 0, said.output
    assert "transformers: there/transformers" in said.output
    assert "largest absolute difference" in said.output and "no mask" in said.output
    assert (run.parent / "there" / "transformers" / "README.md").is_file()
    with pytest.raises(InputError, match="no format is called tflite; known: transformers"):
        CliRunner().invoke(command, ["mine", "--to", "tflite"], catch_exceptions=False)
