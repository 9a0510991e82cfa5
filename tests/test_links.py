"""Links where a user's files are: read like the file, never written through."""

from __future__ import annotations

import pytest
import torch

from anatomy.findings import Findings
from anatomy.pipeline import audit
from anatomy.report.write import REPORT, write
from distill import checkpoints
from tests.distill.samples import small


@pytest.fixture
def victim(tmp_path):
    """A file elsewhere, which nobody asked to change."""
    path = tmp_path / "elsewhere" / "precious"
    path.parent.mkdir()
    path.write_bytes(b"precious")
    return path


def test_findings_that_a_user_names_may_be_a_link_and_grant_nothing(tmp_path, victim):
    """Naming it is the user's wish; what is behind it is checked as any file is."""
    (tmp_path / "mine.txt").write_text("a dog\na cat\n")
    found = audit([str(tmp_path / "mine.txt")], data=tmp_path)
    (tmp_path / "real.json").write_bytes(found.to_json())
    (tmp_path / "findings.json").symlink_to(tmp_path / "real.json")
    assert Findings.load(tmp_path) == found


def test_a_report_replaces_links_and_leaves_what_they_lead_to(tmp_path, victim):
    out = tmp_path / "report"
    (out / "figures").mkdir(parents=True)
    files = dict.fromkeys(("report.html", "figures/a.svg", "findings.json"), b"new")
    for name in files:
        (out / name).symlink_to(victim)
    write(files, out)
    assert victim.read_bytes() == b"precious"
    assert all(not (out / name).is_symlink() for name in files)
    assert all((out / name).read_bytes() == b"new" for name in files)


def test_a_link_is_never_taken_for_a_report_s_own_file_and_deleted(tmp_path, victim):
    out = tmp_path / "report"
    out.mkdir()
    victim.write_bytes(b'"digest": "' + b"0" * 64 + b'"')
    (out / "kept-tokens-x.json").symlink_to(victim)
    assert REPORT.digests(out) == {}


def test_a_training_writes_through_no_link(tmp_path, victim):
    folder = tmp_path / "run"
    folder.mkdir()
    student = small(hidden_layers=1)
    optimizer = torch.optim.AdamW(student.parameters())
    (folder / "step-000000003.safetensors").symlink_to(victim)
    (folder / "step-000000001.safetensors").symlink_to(victim)
    checkpoints.save(folder, "key", 3, student, optimizer, {})
    assert victim.read_bytes() == b"precious"
    assert [p.name for p in folder.iterdir()] == ["step-000000003.safetensors"]
    student.save(folder)
    for path in list(folder.glob("student.*")):
        path.unlink()
        path.symlink_to(victim)
    student.save(folder)
    assert victim.read_bytes() == b"precious"
    assert not any(path.is_symlink() for path in folder.iterdir())
