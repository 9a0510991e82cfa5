"""What the README says of the Python API is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import anatomy
from anatomy import frames
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLE = REPOSITORY / "reports" / "example" / "findings.json"


def test_every_python_snippet_runs(tmp_path):
    """In one fresh process, in a folder of its own, with nothing of this machine's settings.

    Those that run an export are tested with the exports.
    """
    found = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    snippets = [snippet for snippet in found if "/exports/" not in snippet]
    assert len(snippets) >= 2
    names = ("ANATOMY_", "HF_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    result = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", "\n".join(snippets)],
        cwd=tmp_path,
        env=kept | {"HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    findings = anatomy.Findings.load(tmp_path / "my-report" / "findings.json")
    assert findings.corpus.unique == 3
    reason, _, table = result.stdout.partition("\n")
    assert reason == findings.encoders[0].recommended_context.reason
    assert len(table.splitlines()) == 1 + 2 * 3  # two groups, three lengths
    assert (tmp_path / "my-report" / "report.html").is_file()


def test_the_table_of_frames_is_complete():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\w, ]+) \|$", README, re.MULTILINE)
    findings = anatomy.Findings.load(EXAMPLE)
    columns = {name: list(getattr(frames, name)(findings).columns) for name in frames.__all__}
    assert {name: listed.split(", ") for name, listed in rows} == columns
    assert len(rows) == len(columns)


def test_every_public_name_is_there():
    section = README.partition("### Use it from Python")[2].partition("\n## ")[0]
    assert set(re.findall(r"`anatomy\.(\w+)", section)) == set(anatomy.__all__)


def test_what_it_links_to_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert any(link.startswith("notebooks/") for link in links)
    for link in links:
        assert (REPOSITORY / link).exists(), link
