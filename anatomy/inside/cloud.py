"""The intrinsic dimension of one cloud of outputs, as the findings hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from anatomy.findings import (
    ByOrder,
    BySize,
    CheckedNeighbours,
    CloudFinding,
    Estimated,
    MleFinding,
    NearDuplicates,
    OtherEstimate,
)
from anatomy.inside.options import found_device
from anatomy.inside.spectra import spectrum_finding
from anatomy.measures import scikit_dimension
from anatomy.measures.dimension import Dimension, collapse, mle, two_nn
from anatomy.measures.intervals import Estimate
from anatomy.measures.neighbours import Neighbours, Spread, method_for, nearest, recall
from anatomy.progress import Steps, quiet

KS = (5, 10, 20, 50)  # the paper's, section 3.3
NEIGHBOURS = 64  # the order-by-order estimates go to neighbours 32 and 64
FEWEST = 20  # points below which an estimate says nothing
_CHECKED = 1000  # rows found exactly beside approximate neighbours
_REFERENCE = 6000  # points up to which scikit-dimension is asked too: it takes seconds there
_SMALLEST = 100  # points of the smallest decimated sample
SHARED_FROM = 2.5e11  # of EXACT_WITHIN's products: seconds, which other workers would save
_ABSURD = 4  # times the ambient dimension: no estimate of a manifold, whatever its error
_SAMPLES = 4  # disjoint samples of each size


@dataclass(frozen=True)
class Method:
    """How clouds are measured.

    Attributes
    ----------
    neighbours : {"auto", "exact", "approximate"}
    device : {"cpu", "cuda"}
        Of the exact search.
    others : sequence of str
        Names of scikit-dimension's estimators to ask as well.
    seed : int
    spread : Spread, optional
        Shares the exact searches that take long with other workers.
    """

    neighbours: str = "auto"
    device: str = "cpu"
    others: Sequence[str] = ()
    seed: int = 0
    spread: Spread | None = None

    def nearest(self, points: np.ndarray, k: int) -> Neighbours:
        """Neighbours by this method; small clouds are always searched exactly."""
        approximate = self.neighbours == "approximate" and len(points) > _REFERENCE
        if self.neighbours == "auto":
            approximate = method_for(len(points), points.shape[1], self.device) == "approximate"
        shared = self.spread if len(points) ** 2 * points.shape[1] >= SHARED_FROM else None
        return nearest(
            points,
            k,
            method="approximate" if approximate else "exact",
            device=self.device if shared else self.here(),
            seed=self.seed,
            spread=shared,
        )

    def here(self) -> str:
        """Of a search in this process: that of the workers may be elsewhere."""
        return found_device("auto") if self.device == "cuda" else "cpu"


def cloud_finding(
    points: np.ndarray,
    *,
    group: str,
    kind: Literal["pooled", "per-token"],
    population: int,
    drawn: int,
    copies: int,
    variants: np.ndarray | None,
    method: Method,
    reference: bool,
    steps: Steps = quiet,
) -> CloudFinding:
    """Measure one cloud.

    Parameters
    ----------
    points : ndarray of float, shape [n, D]
        In random order: the decimated samples are slices of it.
    group, kind, population, drawn, copies
        See `CloudFinding`; rows of `points` that equal another are collapsed and added to
        `copies`.
    variants : ndarray of int64, shape [n], or None
        Equal for prompts that differ only by article, case, plural or word order.
    method : Method
    reference : bool
        Whether to ask scikit-dimension for the same estimates, where the cloud is small enough.
    steps : Steps

    Raises
    ------
    ValueError
        If fewer than `FEWEST` points are left, or one is not finite.
    """
    first, same = collapse(points)
    if same:
        points = points[first]
        variants = variants[first] if variants is not None else None
    if len(points) < FEWEST:
        count = f"{len(points)} distinct point{'s' * (len(points) != 1)}"
        raise ValueError(f"{count} of {drawn:,} drawn; an estimate needs {FEWEST}")
    steps(f"Measuring {kind} outputs: {group}")
    k = min(NEIGHBOURS, len(points) - 1)
    found = method.nearest(points, k)
    dimension = Dimension.of(found.distances, found.indices, ks=KS, seed=method.seed)
    largest = max(dimension.two_nn.value, dimension.harmonic_mean.value)
    if not largest <= _ABSURD * points.shape[1]:
        raise ValueError(
            f"an estimate of {largest:.4g} in {points.shape[1]} dimensions: its neighbours are "
            "equally far but for rounding, as on a grid"
        )
    theirs = _theirs(points, dimension) if reference and len(points) <= _REFERENCE else {}
    return CloudFinding(
        group=group,
        kind=kind,
        population=population,
        drawn=drawn,
        copies=copies + same,
        points=len(points),
        ambient=points.shape[1],
        linear=spectrum_finding(points, "outputs"),
        two_nn=estimated(dimension.two_nn),
        two_nn_reference=theirs.get("TwoNN"),
        mle=[
            MleFinding(
                k=k,
                harmonic=estimated(dimension.harmonic[k]),
                arithmetic=estimated(dimension.arithmetic[k]),
                reference=theirs.get(f"MLE {k}"),
            )
            for k in dimension.harmonic
        ],
        harmonic=estimated(dimension.harmonic_mean),
        arithmetic=estimated(dimension.arithmetic_mean),
        by_order=[ByOrder(order=n, estimate=estimated(e)) for n, e in dimension.by_order],
        by_size=_by_size(points, method),
        near_duplicates=_near_duplicates(points, found, variants, method),
        neighbours=_checked(points, found, method),
        others=_others(points, method, steps),
    )


def _theirs(points: np.ndarray, dimension: Dimension) -> dict[str, float]:
    """scikit-dimension's estimates; where it fails on these points, none."""
    try:
        return scikit_dimension.reference(points, list(dimension.harmonic))
    except ValueError:
        return {}


def estimated(estimate: Estimate) -> Estimated:
    """An estimate as the findings hold it."""
    return Estimated(value=estimate.value, low=estimate.low, high=estimate.high)


def _by_size(points: np.ndarray, method: Method) -> list[BySize]:
    """The same estimates on ever smaller samples: fewer points are farther apart."""
    rows = []
    size = len(points) // 2
    while size >= _SMALLEST:
        samples = min(_SAMPLES, len(points) // size)
        twos, mles = [], []
        for at in range(samples):
            part = points[at * size : (at + 1) * size]
            distances = method.nearest(part, min(max(KS), size - 1)).distances
            twos.append(two_nn(distances))
            mles.append(_mean_mle(distances))
        rows.append(BySize(points=size, samples=samples, two_nn=_span(twos), mle=_span(mles)))
        size //= 2
    return rows


def _mean_mle(distances: np.ndarray) -> float:
    return float(np.mean([mle(distances, k) for k in KS if k <= distances.shape[1]]))


def _span(values: list[float]) -> Estimated:
    return Estimated(value=float(np.mean(values)), low=min(values), high=max(values))


def _near_duplicates(
    points: np.ndarray, found: Neighbours, variants: np.ndarray | None, method: Method
) -> NearDuplicates | None:
    """How many nearest neighbours are variants, and the estimates with one prompt of each kind."""
    if variants is None:
        return None
    share = float(np.mean(variants == variants[found.indices[:, 0]]))
    _, once = np.unique(variants, return_index=True)
    once.sort()
    if len(once) == len(points) or len(once) < FEWEST:
        return NearDuplicates(share=share, points=len(once), two_nn=None, mle=None)
    part = points[once]
    near = method.nearest(part, min(NEIGHBOURS, len(part) - 1))
    dimension = Dimension.of(near.distances, near.indices, ks=KS, seed=method.seed)
    return NearDuplicates(
        share=share,
        points=len(once),
        two_nn=estimated(dimension.two_nn),
        mle=estimated(dimension.harmonic_mean),
    )


def _checked(points: np.ndarray, found: Neighbours, method: Method) -> CheckedNeighbours:
    """Approximate neighbours against the exact ones of some rows."""
    k = found.indices.shape[1]
    if found.exact:
        return CheckedNeighbours(method="exact", k=k, rows=None, recall=None, effect={})
    generator = np.random.default_rng(method.seed)
    rows = np.sort(generator.choice(len(points), min(_CHECKED, len(points)), replace=False))
    truth = nearest(points, k, rows=rows, method="exact", device=method.here())
    estimators: dict[str, Callable[[np.ndarray], float]] = {
        "TwoNN": two_nn,
        **{f"MLE k={k}": _mle_at(k) for k in KS if k <= truth.distances.shape[1]},
    }
    return CheckedNeighbours(
        method="approximate",
        k=k,
        rows=len(rows),
        recall=recall(found, truth, rows),
        effect={
            name: estimator(found.distances[rows]) / estimator(truth.distances) - 1
            for name, estimator in estimators.items()
        },
    )


def _mle_at(k: int) -> Callable[[np.ndarray], float]:
    return lambda distances: mle(distances, k)


def _others(points: np.ndarray, method: Method, steps: Steps) -> list[OtherEstimate]:
    """scikit-dimension's estimators by name."""
    results = []
    for name in method.others:
        steps(f"Estimating with scikit-dimension's {name}")
        try:
            value = scikit_dimension.estimate(name, points, method.seed)
            results.append(OtherEstimate(name=name, value=value))
        except ValueError as error:
            results.append(OtherEstimate(name=name, value=None, failure=str(error)))
    return results
