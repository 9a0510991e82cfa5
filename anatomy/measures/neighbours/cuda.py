"""Exact neighbours on a GPU: candidates there, from float32 products; judged on the host.

A row's candidates are the c > k columns with the least score ``2 half_j - 2 s``. Every other
column's distance is then bounded from below by the c-th score. Where the k-th candidate, by its
direct distance, is nearer than that bound, nothing was missed; the other rows are searched again,
exactly, on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from anatomy.measures.neighbours import exact
from anatomy.measures.neighbours.cloud import Cloud
from anatomy.measures.neighbours.threads import Progress

_EXTRA = 16  # candidates beyond k
_GROUP = 64  # columns of which the least score stands for all, first
_SHARE_OF_MEMORY = 0.35
_BYTES_ON_CPU = 1 << 26


def some_rows(
    cloud: Cloud,
    rows: np.ndarray | None,
    k: int,
    device: str,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (float64) and indices (int32), [len(rows), k]; of all points where None."""
    if rows is None:
        rows = np.arange(len(cloud.ids))
    places = cloud.places[rows]
    candidates, bounds = _candidates(cloud, places, k + _EXTRA, torch.device(device), progress)
    distances, indices = exact.judged(cloud, places, candidates, k)
    with np.errstate(over="ignore"):
        doubtful = ~(1.000001 * (distances[:, -1] * cloud.scale) ** 2 < bounds)
    if doubtful.any():
        distances[doubtful], indices[doubtful] = exact.some_rows(cloud, rows[doubtful], k)
    return distances, indices


def _candidates(
    cloud: Cloud,
    places: np.ndarray,
    wanted: int,
    device: torch.device,
    progress: Progress | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the candidates, and what no other column's scaled squared distance is below."""
    count, width = cloud.image.shape
    wanted = min(wanted, count - 1)
    groups = -(-count // _GROUP)
    half = cloud.half_within_product()
    # Filled up to whole groups, with points that are infinitely far.
    image = torch.zeros((groups * _GROUP, width), device=device)
    image[:count] = torch.from_numpy(cloud.image)
    score = torch.full((groups * _GROUP,), torch.inf, device=device)
    score[:count] = torch.from_numpy(half).to(device) * 2
    candidates = np.empty((len(places), wanted), np.int32)
    worst = np.empty(len(places))
    height = max(1, int(_room(device) / (4 * groups * _GROUP)))
    with _full_precision():
        for start in range(0, len(places), height):
            part = slice(start, start + height)
            own = torch.from_numpy(places[part].astype(np.int64)).to(device)
            scores = torch.addmm(score, image[own], image.T, alpha=-2)
            scores[torch.arange(len(own), device=device), own] = torch.inf
            values, found = _least(scores, wanted)
            candidates[part] = found.to(torch.int32).cpu().numpy()
            worst[part] = values.amax(dim=1).double().cpu().numpy()
            if progress is not None:
                progress(min(start + height, len(places)), len(places))
    if wanted == count - 1:
        return candidates, np.full(len(places), np.inf)  # there is no other column
    return candidates, worst + 2.0 * half[places] - 2.0 * cloud.slack


def _least(scores: torch.Tensor, wanted: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The least scores of each row, and where they are.

    They lie in the groups with the least minima, as many as are wanted: two narrow selections
    after one reading of the scores, where a selection over whole rows would read them many times.
    """
    grouped = scores.view(len(scores), -1, _GROUP)
    if grouped.shape[1] <= 2 * wanted:
        least = scores.topk(wanted, dim=1, largest=False, sorted=False)
        return least.values, least.indices
    groups = grouped.amin(dim=2).topk(wanted, dim=1, largest=False, sorted=False).indices
    members = grouped.gather(1, groups[:, :, None].expand(-1, -1, _GROUP)).flatten(1)
    least = members.topk(wanted, dim=1, largest=False, sorted=False)
    group = groups.gather(1, least.indices // _GROUP)
    return least.values, group * _GROUP + least.indices % _GROUP


def _room(device: torch.device) -> float:
    if device.type != "cuda":
        return _BYTES_ON_CPU
    return _SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[0]


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products in float32 proper, without TF32: the bounds rest on it."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
