"""How colours look to eyes of every kind: an independent word on the figures' palette.

Simulation: Machado, Oliveira, Fernandes (2009), full severity, on linear RGB. Distance: CIE 1976,
where about 2.3 is what a good eye can just see. Contrast: WCAG 2.2.
"""

from __future__ import annotations

import numpy as np

EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def _linear(colour: str) -> np.ndarray:
    shares = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def distance(one: str, other: str, eyes: str) -> float:
    """How far apart two colours are for these eyes, in CIE L*a*b*."""

    def lab(colour: str) -> np.ndarray:
        seen = np.clip(EYES[eyes] @ _linear(colour), 0, 1)
        x, y, z = (
            np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116
            for v in _XYZ @ seen / _WHITE
        )
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    return float(np.linalg.norm(lab(one) - lab(other)))


def contrast(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(_linear(colour) @ weights) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)
