"""Frames of encoders' outputs: intrinsic dimension, by estimator and by scale."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from anatomy.findings import CloudFinding, Estimated, Findings
from anatomy.frames.table import COUNT, MAYBE, NUMBER, TEXT, table
from anatomy.frames.weights import outputs_of

OURS, THEIRS = "anatomy", "scikit-dimension"

_CLOUD = {"encoder": TEXT, "group": TEXT, "kind": TEXT}
_ESTIMATE = {"value": NUMBER, "low": NUMBER, "high": NUMBER}


def clouds(findings: Findings) -> pd.DataFrame:
    """The outputs that were measured, and how many of them.

    Returns
    -------
    DataFrame, one row for each encoder, group and kind of output
        encoder, group
        kind : "pooled" (one point a prompt) or "per-token" (one point a token)
        population : prompts of the group; per-token, tokens of those drawn
        drawn : prompts encoded; per-token, all of the population
        copies : of these, copies of another: left out
        points : measured
        ambient : width of an output
        neighbours : "exact" or "approximate"
        k : nearest neighbours found of each point
        recall : share of the true neighbours found; missing where they are exact
    """
    counts = ("population", "drawn", "copies", "points", "ambient")
    return table(
        {
            **_CLOUD,
            **dict.fromkeys(counts, COUNT),
            "neighbours": TEXT,
            "k": COUNT,
            "recall": NUMBER,
        },
        (
            (
                *(*where, *(getattr(cloud, name) for name in counts)),
                *(cloud.neighbours.method, cloud.neighbours.k, cloud.neighbours.recall),
            )
            for where, cloud in _clouds(findings)
        ),
    )


def estimates(findings: Findings) -> pd.DataFrame:
    """The intrinsic dimension of outputs, by every estimator that was asked.

    Returns
    -------
    DataFrame, one row for each encoder, group, kind of output and estimator
        encoder, group, kind : as in `clouds`
        estimator : "TwoNN", "MLE", or another of scikit-dimension's
        mean : of the MLE, over points: "harmonic" (the headline) or "arithmetic"; else missing
        k : neighbours of the MLE; missing where it is averaged over k (the headline), or has none
        software : "anatomy", or "scikit-dimension" on the same points
        value : the dimension
        low, high : its 95 % interval; scikit-dimension gives none
        failure : why there is no value; else missing
    """
    return table(
        {
            **_CLOUD,
            "estimator": TEXT,
            "mean": TEXT,
            "k": MAYBE,
            "software": TEXT,
            **_ESTIMATE,
            "failure": TEXT,
        },
        ((*where, *row) for where, cloud in _clouds(findings) for row in _estimates(cloud)),
    )


def by_size(findings: Findings) -> pd.DataFrame:
    """The intrinsic dimension of ever smaller samples: fewer points are farther apart.

    Returns
    -------
    DataFrame, one row for each encoder, group, kind of output, sample size and estimator
        encoder, group, kind : as in `clouds`
        points : of each sample
        samples : disjoint ones of this size
        estimator : "TwoNN" or "MLE" (harmonic, averaged over k)
        value : mean over the samples
        low, high : the least and the greatest of them
    """
    return table(
        {**_CLOUD, "points": COUNT, "samples": COUNT, "estimator": TEXT, **_ESTIMATE},
        (
            (*where, size.points, size.samples, estimator, *_numbers(found))
            for where, cloud in _clouds(findings)
            for size in cloud.by_size
            for estimator, found in (("TwoNN", size.two_nn), ("MLE", size.mle))
        ),
    )


def by_order(findings: Findings) -> pd.DataFrame:
    """The intrinsic dimension seen from ever farther neighbours (Gride, Denti et al. 2022).

    Returns
    -------
    DataFrame, one row for each encoder, group, kind of output and order
        encoder, group, kind : as in `clouds`
        order : n of the neighbours n and 2n that are compared
        value : the dimension
        low, high : its 95 % interval
    """
    return table(
        {**_CLOUD, "order": COUNT, **_ESTIMATE},
        (
            (*where, step.order, *_numbers(step.estimate))
            for where, cloud in _clouds(findings)
            for step in cloud.by_order
        ),
    )


def near_duplicates(findings: Findings) -> pd.DataFrame:
    """The intrinsic dimension with one prompt of each kind ("a cat", "Cats", "the cat").

    Returns
    -------
    DataFrame, one row for each encoder, group and estimator, of pooled outputs
        encoder, group, kind : as in `clouds`
        share : points whose nearest neighbour differs only by article, case, plural or word order
        points : left with one prompt of each kind
        estimator : "TwoNN" or "MLE" (harmonic, averaged over k)
        value : the dimension of these points; missing where none was left out, or too few are left
        low, high : its 95 % interval
    """
    return table(
        {**_CLOUD, "share": NUMBER, "points": COUNT, "estimator": TEXT, **_ESTIMATE},
        (
            (*where, found.share, found.points, estimator, *_numbers(estimate))
            for where, cloud in _clouds(findings)
            if (found := cloud.near_duplicates)
            for estimator, estimate in (("TwoNN", found.two_nn), ("MLE", found.mle))
        ),
    )


def _clouds(findings: Findings) -> Iterator[tuple[tuple[str, str, str], CloudFinding]]:
    for name, outputs in outputs_of(findings):
        for cloud in outputs.clouds:
            yield (name, cloud.group, cloud.kind), cloud


def _numbers(found: Estimated | None) -> tuple[float | None, ...]:
    return (found.value, found.low, found.high) if found else (None, None, None)


def _estimates(cloud: CloudFinding) -> Iterator[tuple[object, ...]]:
    """Estimator, mean, k, software, value, low, high, failure: ours first, theirs behind them."""
    yield "TwoNN", None, None, OURS, *_numbers(cloud.two_nn), None
    if cloud.two_nn_reference is not None:
        yield "TwoNN", None, None, THEIRS, cloud.two_nn_reference, None, None, None
    yield "MLE", "harmonic", None, OURS, *_numbers(cloud.harmonic), None
    yield "MLE", "arithmetic", None, OURS, *_numbers(cloud.arithmetic), None
    for row in cloud.mle:
        yield "MLE", "harmonic", row.k, OURS, *_numbers(row.harmonic), None
        yield "MLE", "arithmetic", row.k, OURS, *_numbers(row.arithmetic), None
        if row.reference is not None:
            yield "MLE", "harmonic", row.k, THEIRS, row.reference, None, None, None
    for other in cloud.others:
        yield other.name, None, None, THEIRS, other.value, None, None, other.failure
