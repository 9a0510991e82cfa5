"""Points made ready for a search: checked, shuffled, and near the origin in float32."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_UNIT = 2.0**-24  # half the distance from 1 to the next float32
_CHUNK_BYTES = 1 << 24
_CENTRE_FROM = 4.0  # copy and centre where that takes the mean squared norm down by this


@dataclass(frozen=True)
class Cloud:
    """N points of D coordinates in a random order, and their image that products are made of.

    The order is shuffled so that the neighbours of a point do not come in a row, ever nearer:
    then nearly every pair would have to be judged. It is the same for the same N.

    For the true distance d of any two points, and the float32 product s of their images::

        (scale d)^2 >= 2 (half_i + half_j - s - slack)

    With n the images' squared norms: a product of D terms in float32, in any order, is off by
    at most g |x||y| <= g (n_i + n_j) / 2, g = D u / (1 - D u), u = 2^-24 (Higham, Accuracy and
    Stability of Numerical Algorithms, section 3.1); rounding the images to float32 moves each by
    at most u |x|, hence a squared distance by at most 4.1 u (n_i + n_j); the comparisons' own
    roundings are as small. ``half`` is n / 2 less its share of all that, rounded down. ``slack``
    stands for what underflow can hide.

    Attributes
    ----------
    exact : ndarray of float32 or float64, shape [N, D]
        The points as given, shuffled.
    image : ndarray of float32, shape [N, D]
        ``exact`` itself where it lies well, else centred and scaled by a power of two.
    ids : ndarray of int32, shape [N]
        Where each point was among those given.
    places : ndarray of int32, shape [N]
        The inverse: where each given point is now.
    half : ndarray of float32, shape [N]
    scale, slack : float
    """

    exact: np.ndarray
    image: np.ndarray
    ids: np.ndarray
    places: np.ndarray
    half: np.ndarray
    scale: float
    slack: float

    @classmethod
    def of(cls, points: np.ndarray) -> Cloud:
        """Of points [N, D], float32 or float64, maybe a memmap: it is read in order.

        Raises
        ------
        ValueError
            If a coordinate is not finite; the message names the first such row.
        """
        count, width = points.shape
        largest = largest_of(points)
        exponent = _exponent(largest)
        places = np.random.default_rng(0).permutation(count).astype(np.int32)
        ids = np.empty_like(places)
        ids[places] = np.arange(count, dtype=np.int32)
        exact = np.empty(points.shape, points.dtype)
        mean, energy = np.zeros(width), 0.0
        for part in _parts(points):
            exact[places[part]] = points[part]
            scaled = points[part] * np.float64(2.0**-exponent)
            mean += scaled.sum(axis=0) / count
            # Not np.vdot: BLAS's threads would spin on for a while, on cores that others need next.
            energy += float(np.einsum("ij,ij->", scaled, scaled)) / count
        centred_energy = energy - float(mean @ mean)
        if (
            points.dtype == np.float32
            and abs(exponent) <= 20
            and energy < _CENTRE_FROM * centred_energy
        ):
            image, scale = exact, 1.0
        else:
            image, total = _image(exact, mean, exponent)
            scale = 2.0**-total
        return cls(
            exact=exact,
            image=image,
            ids=ids,
            places=places,
            half=_half(image, _relative_error(width)),
            scale=scale,
            slack=width * 2.0**-90,
        )

    def half_at_most(self) -> np.ndarray:
        """As ``half``, with its share of the errors added: what bounds distances from above."""
        return _half(self.image, -_relative_error(self.exact.shape[1]))

    def half_within_product(self) -> np.ndarray:
        """As ``half``, for where ``2 half_j - 2 s`` is itself summed in float32 with s."""
        return _half(self.image, 2 * _relative_error(self.exact.shape[1]))


def _relative_error(width: int) -> float:
    terms = (width + 8) * _UNIT
    return terms / (1 - terms) + 16 * _UNIT


def _half(image: np.ndarray, error: float) -> np.ndarray:
    half = np.empty(len(image), np.float32)
    for part in _parts(image):
        block = image[part].astype(np.float64)
        half[part] = np.einsum("ij,ij->i", block, block) * (0.5 * (1 - error))
    return np.nextafter(half, np.float32(-np.inf))


def _image(exact: np.ndarray, mean: np.ndarray, exponent: int) -> tuple[np.ndarray, int]:
    """(exact / 2^exponent - mean), brought to at most 1 in size; and the exponent in all."""

    def centred(part: slice) -> np.ndarray:
        return np.asarray(exact[part] * np.float64(2.0**-exponent) - mean)

    largest = max(float(np.abs(centred(part)).max()) for part in _parts(exact))
    total = max(-1000, min(1000, exponent + _exponent(largest)))
    image = np.empty(exact.shape, np.float32)
    for part in _parts(exact):
        image[part] = centred(part) * 2.0 ** (exponent - total)
    return image, total


def largest_of(points: np.ndarray) -> float:
    """The largest size of a coordinate; ValueError that names the first row that has none."""
    largest = 0.0
    for part in _parts(points):
        block = points[part]
        here = max(float(block.max()), -float(block.min()))  # either is NaN if any number is
        if not math.isfinite(here):
            row = part.start + int(np.argmin(np.isfinite(block).all(axis=1)))
            raise ValueError(f"points hold NaN or infinity, first in row {row}")
        largest = max(largest, here)
    return largest


def _exponent(largest: float) -> int:
    """The power of two just above a size; within what 2.0**-e can hold."""
    return max(-1000, min(1000, math.frexp(largest)[1])) if largest else 0


def _parts(points: np.ndarray) -> Iterator[slice]:
    """Runs of rows of a few MB."""
    rows = max(1, _CHUNK_BYTES // (8 * points.shape[1]))
    for start in range(0, len(points), rows):
        yield slice(start, min(start + rows, len(points)))
