"""What `import anatomy` offers."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import matplotlib as mpl
import pytest

import anatomy
from tests.conftest import REPOSITORY

HEAVY = ["jinja2", "matplotlib", "numpy", "pandas", "pyarrow", "pydantic", "rich", "torch"]


def loaded_by(code):
    """The heavy libraries that a fresh process has loaded when it ends."""
    tail = f"; import sys; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code + tail],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    return ast.literal_eval(result.stdout.splitlines()[-1])


def test_nothing_heavy_is_loaded_before_it_is_used():
    assert loaded_by("import anatomy; dir(anatomy); anatomy.InputError") == []
    command = "from anatomy.cli import app; app.main([{}'--help'], standalone_mode=False)"
    assert loaded_by(command.format("")) == []
    assert loaded_by(command.format("'audit', ")) == []


def test_an_audit_of_prompts_loads_neither_torch_nor_matplotlib():
    heavy = loaded_by("import anatomy; anatomy.audit(prompts=['a dog'])")
    assert "numpy" in heavy
    assert not {"torch", "matplotlib"} & set(heavy)


def test_the_public_names_are_there_and_typed():
    assert set(anatomy.__all__) <= set(dir(anatomy))
    for name in anatomy.__all__:
        assert getattr(anatomy, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        anatomy.nothing  # noqa: B018
    # What type checkers see is what is loaded.
    tree = ast.parse((REPOSITORY / "anatomy" / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert set(seen) == set(anatomy.__all__)
    for name, module in seen.items():
        whole = sys.modules[module]
        assert getattr(whole, name) is getattr(anatomy, name)


def test_a_report_is_written_as_the_command_writes_it(tmp_path):
    findings = anatomy.audit(prompts=["a dog", "the red car"], data=tmp_path)
    steps = []
    page = anatomy.write_report(findings, str(tmp_path / "out"), steps=steps.append)
    assert page == tmp_path / "out" / "report.html"
    assert findings.digest in page.read_text()
    assert findings.sources[0].sha256 in page.read_text()
    assert anatomy.Findings.load(tmp_path / "out" / "findings.json") == findings
    assert steps
    with pytest.raises(anatomy.InputError, match="is a file"):
        anatomy.write_report(findings, page)


def test_the_schema_holds_for_the_example():
    example = json.loads((REPOSITORY / "reports" / "example" / "findings.json").read_bytes())
    schema = anatomy.schema()
    assert set(example) == set(schema["properties"])
    source = schema["$defs"]["SourceFinding"]
    assert set(example["sources"][0]) == set(source["properties"]) - {"sha256"}


def test_a_document_keeps_its_digest_as_the_schema_grows():
    path = REPOSITORY / "reports" / "example" / "findings.json"
    assert anatomy.Findings.load(path).digest == json.loads(path.read_bytes())["digest"]


def test_findings_show_themselves_in_one_line(tmp_path):
    findings = anatomy.audit("rf100vl", prompts={"mine": ["a"]}, data=tmp_path, stand_ins=True)
    assert str(findings) == repr(findings)
    assert repr(findings).startswith("<Findings: ")
    assert repr(findings).endswith("distinct prompts of rf100vl, mine, with stand-ins; sam3>")


def test_the_style_ends_but_what_a_notebooks_backend_turns_on_inside_it_stays():
    before = dict(mpl.rcParams)
    try:
        mpl.interactive(False)
        with anatomy.style():
            assert mpl.rcParams["text.parse_math"] is False
            mpl.interactive(True)
        assert mpl.is_interactive()  # else no figure after the first would be shown
    finally:
        mpl.interactive(before["interactive"])
    assert dict(mpl.rcParams) == before
