"""All measures of one group of held-out prompts: a source's, or all."""

from __future__ import annotations

import numpy as np

from anatomy.corpus.model import COMBINED
from anatomy.inside.cloud import FEWEST as FEWEST_POINTS
from anatomy.inside.cloud import KS, estimated
from anatomy.inside.cloud import NEIGHBOURS as SCALE
from anatomy.measures import intervals
from anatomy.measures.dimension import Dimension, collapse
from anatomy.measures.neighbours import method_for, nearest
from anatomy.measures.spectrum import Spectrum
from distill.evaluation.held_out import HeldOut
from distill.evaluation.measures import (
    FEWEST,
    NEIGHBOURS,
    Distinct,
    neighbours_of,
    overlap,
    pairs_of,
    rank_correlation,
    relative_errors,
    similarities,
)
from distill.metrics.evaluation import (
    Cosines,
    DimensionPair,
    Dimensions,
    Errors,
    GroupQuality,
    Interval,
    Likeness,
    Overlap,
    RankCorrelation,
    Verdict,
)
from distill.outputs import cosines

_PERCENTS = (1, 2, 5, *range(10, 100, 10), 95, 98, 99)


def group_qualities(held: HeldOut, gate: float, seed: int = 0) -> list[GroupQuality]:
    """Of all held-out prompts, then of each source; a prompt of several sources is in each."""
    everything = np.ones(len(held), dtype=bool)
    found = [_quality(held, COMBINED, any(held.trains), everything, gate, seed)]
    for at, (name, trains) in enumerate(zip(held.names, held.trains, strict=True)):
        found.append(_quality(held, name, trains, held.member[:, at], gate, seed))
    return found


def cosines_of(values: np.ndarray) -> Cosines:
    """Mean and 5th percentile of at least one."""
    return Cosines(mean=float(values.mean(dtype=np.float64)), p5=_quantile(values, 0.05))


def _quantile(values: np.ndarray, share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) >= FEWEST else None


def _quantiles(values: np.ndarray) -> dict[int, float]:
    if len(values) < FEWEST:
        return {}
    found = np.percentile(values, _PERCENTS)
    return dict(zip(_PERCENTS, found.tolist(), strict=True))


def _quality(
    held: HeldOut, name: str, trains: bool, chosen: np.ndarray, gate: float, seed: int
) -> GroupQuality:
    rows = np.flatnonzero(chosen)
    there = chosen[held.owner]
    pooled = _likeness(held.student[rows], held.teacher[rows], held.mean)
    tokens = _likeness(held.student_tokens[there], held.teacher_tokens[there], held.mean_token)
    absent: dict[str, str] = {}
    if not len(rows):
        absent["all"] = "no prompt of it is held out"
    elif not there.any():
        absent["tokens"] = "no token of the student's ends where one of the teacher's does"
    interval = overlapping = ranks = dimension = None
    if len(rows):
        once = Distinct.of(held.content[rows])
        few = f"{len(once.rows)} distinct prompt{'s' * (len(once.rows) != 1)}"
        if len(once.rows) < FEWEST:
            what = "interval, overlap, ranks, dimension"
            if len(rows) < FEWEST:
                what = f"gate, percentiles, {what}"
            absent[what] = f"{few}; they need {FEWEST}"
        else:
            student, teacher = (side[rows[once.rows]] for side in (held.student, held.teacher))
            theirs = neighbours_of(teacher)
            interval = mean_interval(held.cosine[rows], once.nearest(theirs), seed)
            overlapping = Overlap(
                k=NEIGHBOURS,
                prompts=len(teacher),
                share=float(overlap(neighbours_of(student), theirs).mean()),
                chance=NEIGHBOURS / (len(teacher) - 1),
            )
            pairs = pairs_of(len(teacher), seed=seed)
            sides = (similarities(side, pairs) for side in (student, teacher))
            try:
                ranks = RankCorrelation(pairs=len(pairs[0]), value=rank_correlation(*sides))
            except ValueError as error:
                absent["ranks"] = str(error)
            try:
                dimension = _dimensions(student, teacher, seed)
            except ValueError as error:
                absent["dimension"] = str(error)
    return GroupQuality(
        group=name,
        trains=trains,
        prompts=len(rows),
        pooled=pooled,
        interval=interval,
        quantiles=_quantiles(held.cosine[rows]),
        tokens=tokens,
        overlap=overlapping,
        ranks=ranks,
        dimension=dimension,
        verdict=_verdict(len(rows), pooled, gate),
        absent=absent,
    )


def _verdict(prompts: int, pooled: Likeness | None, gate: float) -> Verdict:
    if pooled is None:
        return "none held out"
    if prompts < FEWEST:
        return "too few"
    return "passes" if pooled.student.mean >= gate else "flagged"


def _likeness(student: np.ndarray, teacher: np.ndarray, mean: np.ndarray) -> Likeness | None:
    if not len(teacher):
        return None
    vector = np.broadcast_to(mean, teacher.shape)
    return Likeness(
        count=len(teacher),
        student=cosines_of(cosines(student, teacher)),
        baseline=cosines_of(cosines(vector, teacher)),
        error=_errors(student, teacher),
        baseline_error=_errors(vector, teacher),
    )


def _errors(student: np.ndarray, teacher: np.ndarray) -> Errors:
    found = relative_errors(student, teacher)
    return Errors(mean=float(found.mean()), p95=_quantile(found, 0.95))


def mean_interval(values: np.ndarray, link: np.ndarray, seed: int) -> Interval:
    """Of the mean of values [N], 95 %, by a bootstrap of blocks of near-duplicates.

    These succeed and fail together, so they are drawn together: those that `link` (int [N], another
    prompt that is nearest to each) joins.
    """
    drawn = intervals.weights(link[:, None], seed=seed)
    found = intervals.of_mean(values.astype(np.float64), drawn)
    return Interval(low=found.low, high=found.high)


def _dimensions(student: np.ndarray, teacher: np.ndarray, seed: int) -> DimensionPair:
    """Of the same rows: those whose outputs are no copies, of either side."""
    first, _ = collapse(student)
    again, _ = collapse(teacher[first])
    rows = first[again]
    if len(rows) < FEWEST_POINTS:
        raise ValueError(f"{len(rows)} distinct outputs; an estimate needs {FEWEST_POINTS}")
    return DimensionPair(
        points=len(rows),
        teacher=_dimension(teacher[rows], seed),
        student=_dimension(student[rows], seed),
    )


def _dimension(points: np.ndarray, seed: int) -> Dimensions:
    method = method_for(len(points), points.shape[1], "cpu")
    near = nearest(points, min(SCALE, len(points) - 1), method=method, seed=seed)
    found = Dimension.of(near.distances, near.indices, ks=KS, seed=seed)
    spectrum = Spectrum.of(points)
    return Dimensions(
        ambient=points.shape[1],
        linear=spectrum.effective_rank,
        dims95=spectrum.dims(0.95),
        mle=estimated(found.harmonic_mean),
        two_nn=estimated(found.two_nn),
    )
