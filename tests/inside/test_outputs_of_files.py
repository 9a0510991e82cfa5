"""`--encoder outputs:FILE`, from the file to the findings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anatomy.census import local
from anatomy.errors import InputError
from anatomy.inside import InsideOptions
from anatomy.pipeline import audit
from anatomy.report.render import render

WORDS = ["red", "blue", "green", "small", "large"]
THINGS = ["dog", "cat", "cup", "car", "tree", "bird", "boat", "lamp"]
PROMPTS = [f"{a} {b}" for a in WORDS for b in THINGS] + [
    f"the {a} {b}" for a in WORDS for b in THINGS
]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(PROMPTS), encoding="utf-8")
    return str(path)


@pytest.fixture
def points():
    """One point a prompt; "the red dog" lies close to "red dog"."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(len(PROMPTS) // 2, 24))
    return np.concatenate([half, half + 1e-3 * rng.normal(size=half.shape)]).astype(np.float32)


def of_file(prompts, tmp_path, points, name="outputs.npy", **options):
    path = tmp_path / name
    np.save(path, points)
    findings = audit(
        [prompts], data=tmp_path, encoders=[f"outputs:{path}"], inside=InsideOptions(**options)
    )
    (found,) = findings.outputs
    return findings, found


def test_near_duplicates_are_found_and_taken_out(prompts, tmp_path, points):
    _, found = of_file(prompts, tmp_path, points)
    (cloud,) = found.outputs.clouds
    assert found.source == cloud.group == "mine"
    assert (cloud.points, cloud.copies, cloud.ambient) == (80, 0, 24)
    assert cloud.near_duplicates.share == 1.0
    assert cloud.near_duplicates.points == 40
    # Pairs a thousand times closer than all else pull the small-scale estimate down.
    assert cloud.two_nn.value < 1 < cloud.near_duplicates.two_nn.value


def test_exact_copies_are_collapsed_and_counted(prompts, tmp_path, points):
    plain = points[: len(points) // 2]
    _, found = of_file(prompts, tmp_path, np.concatenate([plain, plain]))
    (cloud,) = found.outputs.clouds
    assert (cloud.points, cloud.copies, cloud.drawn) == (40, 40, 80)
    assert cloud.two_nn.value > 1


def test_scikit_dimension_says_the_same_and_other_estimators_are_asked(prompts, tmp_path, points):
    points = np.random.default_rng(1).normal(size=points.shape)
    _, found = of_file(prompts, tmp_path, points, id_estimators=("lPCA",))
    (cloud,) = found.outputs.clouds
    assert cloud.two_nn_reference == pytest.approx(cloud.two_nn.value, rel=1e-3)
    for row in cloud.mle:
        assert row.reference == pytest.approx(row.harmonic.value, rel=1e-3)
        assert row.harmonic.low <= row.harmonic.value <= row.harmonic.high
    assert [other.name for other in cloud.others] == ["lPCA"]
    assert cloud.others[0].value > 1


def test_a_sample_is_drawn_with_the_seed(prompts, tmp_path, points):
    _, found = of_file(prompts, tmp_path, points, sample=30)
    (cloud,) = found.outputs.clouds
    assert (cloud.population, cloud.drawn) == (80, 30)


@pytest.mark.parametrize("rows", [79, 81])
def test_rows_must_be_those_of_one_source(prompts, tmp_path, points, rows):
    wrong = np.resize(points, (rows, points.shape[1]))
    with pytest.raises(InputError, match=f"has {rows} rows, and no source has as many"):
        of_file(prompts, tmp_path, wrong)


def test_too_few_points_are_refused(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("a\nb\nc\n", encoding="utf-8")
    with pytest.raises(InputError, match="3 distinct points of 3 drawn; an estimate needs"):
        of_file(str(path), tmp_path, np.eye(3, dtype=np.float32))


def test_the_report_without_an_encoder_renders_the_output_section(prompts, tmp_path, points):
    findings, found = of_file(prompts, tmp_path, points, name="<b>$x$.npy")
    files = render(findings)
    page = files["report.html"].decode()
    assert "Not measured: no encoder with a tokenizer was named" in page
    assert "&lt;b&gt;$x$.npy" in page and "<b>$x$" not in page
    assert f"{found.outputs.clouds[0].two_nn.value:.1f}" in page
    assert sum(name.endswith(".svg") for name in files) == 2


def test_points_on_a_circle_or_a_grid_have_no_estimate(tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("\n".join(map(str, range(300))), encoding="utf-8")
    angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    with pytest.raises(InputError, match="equally far"):
        of_file(str(path), tmp_path, circle)


def test_what_scikit_dimension_cannot_do_costs_only_its_column(tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("\n".join(map(str, range(300))), encoding="utf-8")
    _, found = of_file(str(path), tmp_path, np.random.default_rng(0).normal(size=(300, 1)))
    (cloud,) = found.outputs.clouds
    assert cloud.two_nn_reference is None and 0.5 < cloud.two_nn.value < 1.5


def test_prompts_that_change_before_their_outputs_are_measured_are_refused(
    prompts, tmp_path, points, monkeypatch
):
    """They are read again then: rows and prompts would no longer be each other's."""
    count = local.census

    def changed(*arguments, **options):
        found = count(*arguments, **options)
        Path(prompts).write_text("\n".join(reversed(PROMPTS)), encoding="utf-8")
        return found

    monkeypatch.setattr(local, "census", changed)
    with pytest.raises(InputError, match="mine: changed while it was audited; run again"):
        of_file(prompts, tmp_path, points)


def test_a_file_is_named_once(prompts, tmp_path, points):
    np.save(tmp_path / "o.npy", points)
    name = f"outputs:{tmp_path / 'o.npy'}"
    with pytest.raises(InputError, match="is named twice; name each file once"):
        audit([prompts], data=tmp_path, encoders=[name, name])
