"""The run's own outputs on a few prompts, and how far an export's are from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.tokens.ragged import truncate
from distill.exports.record import Comparison

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

# Of a float32 copy that another library runs: sums in another order, and no more.
TOLERANCE = 1e-4
_LONG = (
    "the small dog with a red collar that lies beside a blue cup on the old wooden table in the "
    "kitchen behind the man who is wearing a green hat and holds two white bags of fresh bread and "
    "fruit"
)
# Written for this purpose, in the manner of the prompts that SAM3 is asked: names, phrases, a
# shuffled one, names in other writings, one of a single letter and one of forty words.
PROMPTS = (
    "dog",
    "a red cup",
    "the blue cat",
    "person wearing a hat",
    "man on the left in a black shirt",
    "shirt black a in left the on man",
    "traffic light",
    "second zebra from the right, behind the fence",
    "T-bone steak #2 (half eaten)",
    "x",
    "Hydrangea macrophylla",
    "自転車",
    _LONG,
)
# What SAM3's own cleaning mends (HTML's entities, broken encodings) and no tokenizer.json does.
UNCLEAN = ("black &amp; white cat", "schÃ¶n", "dog&#39;s bowl")


@dataclass(frozen=True)
class Reference:
    """What the run's student gives for N prompts.

    Attributes
    ----------
    texts : tuple of str
    lengths : ndarray of int64, shape [N]
        Tokens before they are cut to L.
    ids : ndarray of int64, shape [N, L]
        Cut, the last id made end of text, and padded.
    mask : ndarray of bool, shape [N, L]
        True where a token counts.
    tokens : ndarray of float32, shape [N, L, D]
        Only those under the mask mean something.
    pooled : ndarray of float32, shape [N, D']
    """

    texts: tuple[str, ...]
    lengths: np.ndarray
    ids: np.ndarray
    mask: np.ndarray
    tokens: np.ndarray
    pooled: np.ndarray

    def compare(
        self, what: str, tokens: np.ndarray | None = None, pooled: np.ndarray | None = None
    ) -> list[Comparison]:
        """How far these outputs are from the student's at tokens that count.

        The tolerance is 1e-4, or 1e-4 of the largest output where that is above 1.
        """
        found = []
        for kind, given, own in (
            ("per-token outputs", tokens, self.tokens),
            ("pooled outputs", pooled, self.pooled),
        ):
            if given is None:
                continue
            if kind == "per-token outputs":
                given, own = given[self.mask], own[self.mask]
            found.append(
                Comparison(
                    what=f"{kind}, {what}",
                    measure="largest absolute difference",
                    value=float(np.abs(given - own).max()),
                    tolerance=TOLERANCE * max(1.0, float(np.abs(own).max())),
                    prompts=len(self.texts),
                )
            )
        return found


def reference(run: TrainedRun, texts: tuple[str, ...] = PROMPTS) -> Reference:
    """Run the student over prompts."""
    import torch

    student, tokenizer, context = run.student, run.tokenizer, run.context
    whole = tokenizer.encode(list(texts))
    table = truncate(whole, context, tokenizer.special_ids)
    mask = np.arange(context) < table.lengths[:, None]
    ids = np.full(mask.shape, student.pad_id, dtype=np.int64)
    ids[mask] = table.ids
    valid = torch.from_numpy(mask)
    with torch.inference_mode():
        tokens = student(torch.from_numpy(ids), valid)
        pooled = student.pooled(tokens, valid, run.recipe.teacher.pooling)
    return Reference(texts, whole.lengths, ids, mask, tokens.numpy(), pooled.numpy())


def cosines(given: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Cosine [M] of each row with its counterpart, in double precision."""
    given, own = given.astype(np.float64), own.astype(np.float64)
    norms = np.linalg.norm(given, axis=-1) * np.linalg.norm(own, axis=-1)
    products: np.ndarray = (given * own).sum(axis=-1)
    found: np.ndarray = products / np.maximum(norms, np.finfo(np.float64).tiny)
    return found


def check(comparisons: list[Comparison], folder: Path, name: str) -> None:
    """Refuse an export that is not what it was made from.

    Raises
    ------
    InputError
        Names the first comparison that does not hold.
    """
    for found in comparisons:
        if not found.holds:
            raise InputError(
                f"{name}: nothing was written to {shown(folder)}, since the export is not the "
                f"run's student: {found.what}: {found.measure} {found.value:.3g}, tolerance "
                f"{found.tolerance:.3g}"
            )
