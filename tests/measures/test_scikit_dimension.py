from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from anatomy.errors import InputError
from anatomy.measures import scikit_dimension
from anatomy.measures.dimension import mle, two_nn


def cloud(size=300, width=30):
    return np.random.default_rng(0).normal(size=(size, width)).astype(np.float32)


def distances_of(points):
    distances = np.sort(cdist(points.astype(np.float64), points.astype(np.float64)), axis=1)
    return distances[:, 1:51]


def test_names_are_those_of_estimators():
    found = scikit_dimension.names()
    assert {"CorrInt", "DANCo", "ESS", "lPCA", "MLE", "TwoNN"} <= set(found)
    assert list(found) == sorted(found, key=str.lower)


def test_names_in_any_case_are_resolved():
    asked = ["twonn", "LPCA", "corrint"]
    assert scikit_dimension.resolved(asked) == ("TwoNN", "lPCA", "CorrInt")
    assert scikit_dimension.resolved([]) == ()


@pytest.mark.parametrize(
    ("name", "hint"), [("twonm", "did you mean TwoNN"), ("zzzzzz", "known: CorrInt")]
)
def test_an_unknown_name_is_refused_with_a_hint(name, hint):
    with pytest.raises(InputError, match=f"^--id-estimators: .*{hint}") as caught:
        scikit_dimension.resolved(["MLE", name])
    assert "\n" not in str(caught.value)


def test_its_values_are_ours():
    points = cloud()
    found = scikit_dimension.reference(points, [5, 20])
    assert list(found) == ["TwoNN", "MLE 5", "MLE 20"]
    distances = distances_of(points)
    assert found["TwoNN"] == pytest.approx(two_nn(distances), rel=1e-6)
    assert found["MLE 5"] == pytest.approx(mle(distances, 5), rel=1e-6)
    assert found["MLE 20"] == pytest.approx(mle(distances, 20), rel=1e-6)


def test_an_estimate_repeats_and_leaves_the_random_state():
    points = cloud(60, 5)
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    values = {scikit_dimension.estimate("KNN", points, seed=2**40 + 1) for _ in range(2)}
    assert len(values) == 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert scikit_dimension.estimate("lPCA", points) == 5


def test_a_failure_is_one_line_that_names_the_estimator():
    with pytest.raises(ValueError, match=r"^TwoNN: ") as caught:
        scikit_dimension.estimate("TwoNN", np.zeros((1, 4)))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"^CorrInt: "):
        scikit_dimension.estimate("CorrInt", np.full((50, 4), np.nan))


def test_copies_pull_its_values_to_nothing_without_an_error():
    points = cloud()
    points[:30] = points[100:130]
    found = scikit_dimension.reference(points, [5])
    assert found["MLE 5"] < 0.5  # why `anatomy.measures.dimension.collapse` comes first
