"""A matrix's singular values as the findings hold them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anatomy.findings import PERCENTS, Curve, SpectrumFinding
from anatomy.measures.spectrum import Spectrum

_POINTS = 80  # of a curve


def spectrum_finding(
    matrix: np.ndarray,
    group: str,
    *,
    chosen: np.ndarray | None = None,
    published: Mapping[str, str] | None = None,
) -> SpectrumFinding:
    """Ranks and dimensions of a matrix [n, d], or of its `chosen` rows."""
    return summed_up(Spectrum.of(matrix, chosen=chosen), group, published)


def summed_up(
    spectrum: Spectrum, group: str, published: Mapping[str, str] | None = None
) -> SpectrumFinding:
    """The same, of a spectrum that is there already."""
    values = spectrum.singular_values
    energy = np.cumsum(values**2)
    total = energy[-1] or 1.0
    at = sorted({round(x) for x in np.linspace(1, len(values), min(_POINTS, len(values)))})
    places = np.array(at) - 1
    return SpectrumFinding(
        group=group,
        rows=spectrum.rows,
        columns=spectrum.columns,
        effective_rank=spectrum.effective_rank,
        effective_rank_energy=spectrum.effective_rank_energy,
        participation_ratio=spectrum.participation_ratio,
        rank_share=spectrum.effective_rank / spectrum.columns,
        dims={percent: spectrum.dims(percent / 100) for percent in PERCENTS},
        curve=Curve(x=at, y=(energy[places] / total).tolist()),
        values=Curve(x=at, y=(values[places] / (values[0] or 1.0)).tolist()),
        published=dict(published or {}),
    )
