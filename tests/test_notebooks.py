"""The notebooks run, show what the findings hold, and stand in the repository as they come out."""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

import anatomy
from anatomy import frames
from anatomy.encoders.places import encoder_folder
from notebooks.execute import execute, paths

PROMPTS, INSIDE, PAPER = paths()
NEEDS_MINILM = {PROMPTS, INSIDE}  # shown with it, though they run without
NUMBER = re.compile(r"-?[\d,]*\d(?:\.\d+)?")
# Of this machine, or of nothing that a reader wants to see.
UNWANTED = re.compile(r"/home/|/root/|/tmp/|/work/|site-packages|Warning|Traceback|it/s\]|\x1b\[")


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """What the cells show as text: streams, Markdown, plain text of tables."""
    for cell in code(notebook):
        for output in cell.outputs:
            if output.output_type == "stream":
                yield output.text
            elif "text/markdown" in output.data:
                yield output.data["text/markdown"]
            else:
                yield output.data["text/plain"]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Each notebook executed, and the findings that it had at its end; each once."""
    done = {}

    def of(path):
        if path in NEEDS_MINILM and not (encoder_folder("minilm") / "model.safetensors").is_file():
            pytest.skip("no MiniLM here; run `anatomy fetch minilm`")
        if path not in done:
            notebook = read(path)
            kept = tmp_path_factory.mktemp("notebook") / "findings.json"
            keep = f"open({str(kept)!r}, 'wb').write(findings.to_json());"
            notebook.cells.append(new_code_cell(keep))
            execute(notebook)
            notebook.cells.pop()
            done[path] = notebook, anatomy.Findings.load(kept)
        return done[path]

    return of


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_what_is_committed_reads_well(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    assert [cell.execution_count for cell in code(notebook)] == list(
        range(1, len(code(notebook)) + 1)
    )
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in code(notebook):
        assert not cell.metadata
        for output in cell.outputs:
            assert output.output_type in ("stream", "display_data", "execute_result")
            assert output.get("name") != "stderr"
    shown = "\n".join(texts(notebook)) + json.dumps(notebook.metadata)
    assert not UNWANTED.search(shown), UNWANTED.search(shown)
    assert platform.node() not in shown
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    widths = [picture.metadata["image/png"]["width"] for picture in pictures]
    assert all(500 < width < 900 for width in widths)  # as wide as the text, on any screen
    plots = [cell for cell in code(notebook) if "plt.subplots" in cell.source]
    assert len(pictures) == len(plots) >= 3  # every figure is seen


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_executing_one_again_shows_the_same(path, executed):
    # Floats of an encoder differ in their last digits from one machine to the next.
    close = 0.02 if path == INSIDE else 1e-9
    before, after = list(texts(read(path))), list(texts(executed(path)[0]))
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert NUMBER.sub("#", one).split() == NUMBER.sub("#", other).split(), path
        numbers = [
            [float(number.replace(",", "")) for number in NUMBER.findall(text)]
            for text in (one, other)
        ]
        assert numbers[0] == pytest.approx(numbers[1], rel=close, abs=close)


def test_the_recommendation_shown_is_that_of_the_audit(executed):
    notebook, findings = executed(PROMPTS)
    shown = list(texts(notebook))
    assert findings.encoders[0].recommended_context.reason in shown
    counts = next(text for text in shown if "duplicates" in text)
    for row in frames.sources(findings).itertuples():
        found = re.search(rf"{row.source} +(\d+) +(\d+) +(\d+) +(\d+)", counts)
        assert [int(n) for n in found.groups()] == [
            *(row.rows, row.refused, row.duplicates, row.unique)
        ]
    used = len(frames.kept(findings).query("encoder == 'sam3'"))
    assert any(text.startswith(f"{used} of 49,408 token ids occur") for text in shown)
    assert any("my-report/report.html\n" in text for text in shown)


def test_the_dimensions_shown_are_those_of_the_audit(executed):
    notebook, findings = executed(INSIDE)
    shown = list(texts(notebook))
    inside = findings.encoders[0].inside
    assert findings.encoders[0].name == "minilm"
    assert inside.embedding.advice in shown
    assert inside.positions.advice in shown
    cloud = inside.outputs.main
    estimates = next(text for text in shown if re.match(r"\s+value\s+low\s+high", text))
    for name, found in (("TwoNN", cloud.two_nn), ("MLE", cloud.harmonic)):
        row = re.search(rf"{name} +([\d.]+) +([\d.]+) +([\d.]+)", estimates)
        assert [float(number) for number in row.groups()] == [found.value, found.low, found.high]


def test_the_verdicts_shown_are_those_of_the_ledger(executed, tmp_path):
    notebook, findings = executed(PAPER)
    shown = list(texts(notebook))
    entries = frames.ledger(anatomy.check_paper(tmp_path))
    counts = next(text for text in shown if text.startswith("verdict\n"))
    for verdict, count in entries["verdict"].value_counts().items():
        assert re.search(rf"^{verdict} +{count}$", counts, re.MULTILINE)
    lvis = findings.encoders[0].lengths[1]
    assert f"2 / mean length = 2 / {lvis.mean:.4f} = {2 / lvis.mean:.4f}\n" in shown[0]
    assert f"{findings.encoders[0].vocabulary[1].special_share:.4f}\n" in shown[0]
    contradicted = set(entries[entries["verdict"] == "contradicts"]["id"])
    pages = [
        o.data.get("text/html", "") for cell in code(notebook) for o in cell.outputs if "data" in o
    ]
    (table,) = [page for page in pages if "<th>margin</th>" in page]
    assert set(re.findall(r"<th>([\w.-]+)</th>\n\s+<td>", table)) == contradicted


@pytest.mark.parametrize("path", [PROMPTS, INSIDE], ids=lambda path: path.stem)
def test_without_weights_every_cell_runs_and_says_so(path, tmp_path, monkeypatch, capsys):
    """In this process: its libraries are loaded already."""
    monkeypatch.setenv("ANATOMY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANATOMY_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    names: dict[str, object] = {}
    with pd.option_context("display.precision", 6, "display.max_colwidth", 50):
        for cell in code(read(path)):
            exec(re.sub(r"(?m)^%.*$", "", cell.source), names)  # noqa: S102
    plt.close("all")
    assert "run `anatomy fetch minilm`" in capsys.readouterr().out
    (encoder,) = names["findings"].encoders
    assert (encoder.name == "sam3") == (path == PROMPTS)
    assert (encoder.inside is not None) == (path == INSIDE)


def test_the_kernel_is_this_interpreter_whatever_the_user_has(tmp_path, monkeypatch):
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    start = tmp_path / "ipython" / "profile_default" / "startup" / "x.py"
    start.parent.mkdir(parents=True)
    start.write_text("print('of the user')")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cell = new_code_cell("import os, sys, anatomy; print([sys.executable, os.getcwd()])")
    execute(notebook := new_notebook(cells=[cell]))
    (text,) = texts(notebook)
    interpreter, folder = json.loads(text.replace("'", '"'))
    assert interpreter == sys.executable
    assert Path(folder) != Path.cwd()
    assert not Path(folder).exists()


def test_a_cell_that_fails_is_an_error():
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(new_notebook(cells=[new_code_cell("1 / 0")]))
