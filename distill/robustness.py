"""How much of a text embedding's error an attention lets through (paper, section 5.7).

The paper reports an input error of about 0.97, a logit error of about 0.96 and an attention output
error of about 0.0034 "under a perturbation noise level of 0.1", and calls 0.96 / 0.0034 = 282 the
factor by which softmax reduces errors. It does not say which attention, how many keys, at which
temperature, nor how its errors are normalised; 0.97 of a vector's length is no small error, and
0.0034 can hardly be a relative one. So the attention is simulated here in both directions, the
number of keys and the temperature are swept, and a relative error is compared with a relative
error. The paper's kind of ratio, relative to absolute, stands beside it.

*Text asks*: a text token t is the query; K keys are random directions, K values random unit
vectors, as an image's places would be. Only the query is perturbed.

*Text answers*: random directions are the queries, as an image's features are in SAM3's fusion
encoder; K text tokens are the keys and, at length 1 on average, also the values. Both are
perturbed.

No head of SAM3 is used: its projections are not at hand. Logits are dot products times a factor
that makes their standard deviation over a query's keys the `sharpness`, on average over queries:
1 / T. Near 0 every key weighs the same, and the output is the values' mean whatever the query is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import numpy as np

from distill.evaluation.measures import relative_errors
from distill.metrics.conditions import conditions
from distill.metrics.robustness import (
    Attenuation,
    Direction,
    PublishedRatio,
    Robustness,
    SimulatedAttention,
)

if TYPE_CHECKING:
    from distill.evaluation.held_out import HeldOut

PUBLISHED_INPUT = 0.97
PUBLISHED_RATIO = 282.0
PUBLISHED_NOISE = 0.1

NOISE = (0.03, 0.1, 0.3, PUBLISHED_INPUT)  # relative to each token's length
SHARPNESS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
KEYS: dict[Direction, tuple[int, ...]] = {
    "text asks": (16, 64, 256, 1024, 5184),  # the last: SAM3's 72 x 72 places
    "text answers": (4, 8, 16, 32),  # the last: SAM3's context
}
TOKENS = 128  # that are perturbed
QUERIES = 64  # where the text answers
DESCRIBED: dict[Direction, str] = {
    "text asks": (
        "One text token is the query; the keys are random directions, the values random unit "
        "vectors. The query alone is perturbed."
    ),
    "text answers": (
        "Random directions are the queries; text tokens are the keys and, scaled to a mean length "
        "of 1, the values. Keys and values are perturbed."
    ),
}


@dataclass(frozen=True)
class Attended:
    """Queries, keys and values of an attention; or a batch of several, by a leading axis.

    Attributes
    ----------
    queries : ndarray of float64, shape [..., Q, D]
    keys : ndarray of float64, shape [..., K, D]
    values : ndarray of float64, shape [..., K, D']
    """

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray

    @property
    def logits(self) -> np.ndarray:
        """Dot products, each query's mean taken away: softmax does not see it. [..., Q, K]."""
        products = self.queries @ np.swapaxes(self.keys, -1, -2)
        centred: np.ndarray = products - products.mean(axis=-1, keepdims=True)
        return centred


def softmax(logits: np.ndarray) -> np.ndarray:
    """Weights of the last axis, which sum to 1."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return weights


def attenuation(
    clean: Attended,
    perturbed: Attended,
    sharpness: Sequence[float],
    *,
    error: float,
    perturbation: Literal["noise", "student"] = "noise",
) -> list[Attenuation]:
    """Errors of logits, weights and outputs at each sharpness.

    Parameters
    ----------
    clean, perturbed : Attended
        The same but for what was perturbed; at least two keys.
    sharpness : sequence of float
        Standard deviations to which the clean logits are scaled, the perturbed ones alike.
    error : float
        Mean relative error of what was perturbed.
    perturbation : {"noise", "student"}
    """
    logits, others = clean.logits, perturbed.logits
    scale = float(np.sqrt(np.mean(logits**2)))
    logits, others = logits / scale, others / scale
    keys = logits.shape[-1]
    of_logits = float(relative_errors(_flat(others), _flat(logits)).mean())
    top_kept = float(np.mean(logits.argmax(axis=-1) == others.argmax(axis=-1)))
    found = []
    for factor in sharpness:
        weights, moved = softmax(factor * logits), softmax(factor * others)
        outputs, changed = weights @ clean.values, moved @ perturbed.values
        found.append(
            Attenuation(
                perturbation=perturbation,
                keys=keys,
                sharpness=factor,
                input=error,
                logits=of_logits,
                weights=float(np.abs(moved - weights).sum(axis=-1).mean() / 2),
                top_kept=top_kept,
                output=float(relative_errors(_flat(changed), _flat(outputs)).mean()),
                output_absolute=float(np.sqrt(np.mean((changed - outputs) ** 2))),
            )
        )
    return found


def study(held: HeldOut, *, student_sha256: str, seed: int = 0) -> Robustness | None:
    """The whole study on the token outputs of held-out prompts, of which 128 are drawn.

    Parameters
    ----------
    held : HeldOut
    student_sha256 : str
        Of the file that holds the student.
    seed : int

    Returns
    -------
    Robustness or None
        None for fewer tokens than the most keys of an attention that they answer.
    """
    clock = perf_counter()
    random = np.random.default_rng(seed)
    usable = np.flatnonzero(held.teacher_tokens.any(axis=1))
    if len(usable) < max(KEYS["text answers"]):
        return None
    chosen = np.sort(random.permutation(usable)[:TOKENS])
    tokens = held.teacher_tokens[chosen].astype(np.float64)
    told = held.student_tokens[chosen].astype(np.float64)
    versions: list[tuple[Literal["noise", "student"], np.ndarray]] = [
        ("noise", noisy(tokens, level, random)) for level in NOISE
    ]
    versions.append(("student", told))
    attentions = [
        SimulatedAttention(
            direction=direction,
            described=DESCRIBED[direction],
            queries=len(tokens) if direction == "text asks" else QUERIES,
            rows=[
                row
                for keys in KEYS[direction]
                for row in _swept(direction, tokens, versions, keys, seed)
            ],
        )
        for direction in KEYS
    ]
    norms = np.linalg.norm(tokens, axis=1)
    return Robustness(
        tokens=len(tokens),
        width=tokens.shape[1],
        norm=float(norms.mean()),
        student_error=float(relative_errors(told, tokens).mean()),
        literal_noise=float(np.mean(PUBLISHED_NOISE * np.sqrt(tokens.shape[1]) / norms)),
        attentions=attentions,
        published=[
            published(attention, keys)
            for attention in attentions
            for keys in KEYS[attention.direction]
        ],
        conditions=conditions(
            student_sha256,
            "cpu",
            prompts=len(np.unique(held.owner[chosen])),
            seed=seed,
            seconds=perf_counter() - clock,
        ),
    )


def noisy(tokens: np.ndarray, level: float, random: np.random.Generator) -> np.ndarray:
    """Each row [K, D] moved in a random direction by `level` times its length."""
    steps = random.standard_normal(tokens.shape)
    steps *= np.linalg.norm(tokens, axis=1, keepdims=True) / np.linalg.norm(
        steps, axis=1, keepdims=True
    )
    moved: np.ndarray = tokens + level * steps
    return moved


def published(attention: SimulatedAttention, keys: int) -> PublishedRatio:
    """At which sharpness the mixed ratio comes to the paper's, between those swept."""
    rows = [
        row
        for row in attention.rows
        if row.keys == keys and row.perturbation == "noise" and row.input >= PUBLISHED_INPUT - 0.01
    ]
    points = [(r.sharpness, r.mixed, r.factor) for r in rows if r.mixed and r.factor]
    for (x, a, f), (y, b, g) in pairwise(points):
        if min(a, b) <= PUBLISHED_RATIO <= max(a, b) and a != b:
            share = np.log(PUBLISHED_RATIO / a) / np.log(b / a)
            return PublishedRatio(
                direction=attention.direction,
                keys=keys,
                sharpness=float(x * (y / x) ** share),
                factor=float(f * (g / f) ** share),
            )
    return PublishedRatio(direction=attention.direction, keys=keys, sharpness=None, factor=None)


def _swept(
    direction: Direction,
    tokens: np.ndarray,
    versions: list[tuple[Literal["noise", "student"], np.ndarray]],
    keys: int,
    seed: int,
) -> list[Attenuation]:
    """One number of keys: every perturbation at every sharpness, the random parts the same."""
    random = np.random.default_rng([seed, keys])
    width = tokens.shape[1]
    found: list[Attenuation] = []
    if direction == "text asks":
        others, values = _directions(keys, width, random), _directions(keys, width, random)
        clean = Attended(tokens, others, values)
        for perturbation, version in versions:
            error = float(relative_errors(version, tokens).mean())
            perturbed = Attended(version, others, values)
            found += attenuation(
                clean, perturbed, SHARPNESS, error=error, perturbation=perturbation
            )
        return found
    # As many sets of tokens as there are tokens for: each set is an attention of its own.
    sets = len(tokens) // keys
    chosen = random.permutation(len(tokens))[: sets * keys].reshape(sets, keys)
    queries = _directions(QUERIES, width, random)
    length = float(np.linalg.norm(tokens, axis=1).mean())
    clean = Attended(queries, tokens[chosen], tokens[chosen] / length)
    for perturbation, version in versions:
        error = float(relative_errors(version[chosen.ravel()], tokens[chosen.ravel()]).mean())
        perturbed = Attended(queries, version[chosen], version[chosen] / length)
        found += attenuation(clean, perturbed, SHARPNESS, error=error, perturbation=perturbation)
    return found


def _directions(rows: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Random unit vectors, float64 [rows, width]."""
    found = random.standard_normal((rows, width))
    unit: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def _flat(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(-1, batch.shape[-1])
