"""The encoders that are measured: the run's teacher and student, and shapes of Table 8."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.tokens.ragged import rows, truncate
from anatomy.tokens.table import TokenTable
from distill.metrics.benchmark import Kind, Length, Published
from distill.peers import Peer
from distill.sizes import PRECISIONS, Precision, Sizes
from distill.teacher import on_device
from distill.teacher import sizes_of as teacher_sizes

if TYPE_CHECKING:
    from torch import Tensor

    from distill.students import Student
    from distill.teacher import Teacher

PADS = 77  # a text tower of at most so many positions is one whose processor pads to them
Forward = Callable[["Tensor", "Tensor | None"], "Tensor"]


@dataclass(frozen=True)
class Subject:
    """An encoder to measure, and prompts as it reads them.

    Attributes
    ----------
    name, title, note : str
    kind : {"teacher", "student", "shape"}
    context : int
        Positions of a prompt that is padded.
    padded : bool
        Whether it must be run on just as many.
    pads : bool
        Whether its processor pads to them.
    pad_id : int
    table : TokenTable
        Ids of the prompts, cut to the context.
    parameters : int
    used : int or None
    bytes : dict of str to int
    file_bytes : int or None
    published : Published or None
    open : callable(device, dtype) -> callable(ids, mask) -> Tensor
    """

    name: str
    title: str
    note: str
    kind: Kind
    context: int
    padded: bool
    pads: bool
    pad_id: int
    table: TokenTable
    parameters: int
    used: int | None
    bytes: dict[Precision, int]
    file_bytes: int | None
    published: Published | None
    open: Callable[[str, str], Forward]

    @property
    def ways(self) -> list[Length]:
        """How long rows may be: padded where its processor pads, trimmed where it may."""
        found: list[Length] = ["padded"] if self.pads or self.padded else []
        return found if self.padded else [*found, "trimmed"]

    def arrays(self, chosen: np.ndarray, way: Length) -> tuple[np.ndarray, np.ndarray]:
        """Ids int64 and mask bool [B, n] of some prompts."""
        part = rows(self.table, chosen)
        width = int(part.lengths.max()) if way == "trimmed" else self.context
        mask = np.arange(width) < part.lengths[:, None]
        ids = np.full(mask.shape, self.pad_id, dtype=np.int64)
        ids[mask] = part.ids
        return ids, mask


def flops(forward: Forward, width: int, device: str) -> int:
    """Floating-point operations of a forward pass of one prompt of so many tokens.

    Those of matrix products and convolutions, a multiplication and an addition being two.
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    ids = torch.zeros((1, width), dtype=torch.int64, device=device)
    mask = torch.ones_like(ids, dtype=torch.bool)
    counter: Any = FlopCounterMode(display=False)
    # Attention as plain products, all of which the counter knows.
    with counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        forward(ids, mask)
    return int(counter.get_total_flops())


def of_teacher(teacher: Teacher, table: TokenTable, used: int) -> Subject:
    """The run's teacher; `used` of its tokens are in the corpus."""
    model = teacher.model
    sizes = teacher_sizes(model)
    tokens, width = model.token_embedding.shape

    def opened(device: str, dtype: str) -> Forward:
        found: Any = on_device(teacher, device, dtype).model
        forward: Forward = found.forward
        return forward

    return Subject(
        name="teacher",
        title=f"{teacher.encoder.name}, the run's teacher",
        note=f"its own weights; reads {model.context} positions",
        kind="teacher",
        context=model.context,
        padded=False,
        pads=model.context <= PADS,
        pad_id=0,
        table=truncate(table, model.context, teacher.encoder.tokenizer.special_ids),
        parameters=model.parameters,
        used=model.parameters - (tokens - used) * width,
        bytes={precision: sizes.total_bytes(precision) for precision in PRECISIONS},
        file_bytes=sum(file.bytes for file in model.files),
        published=None,
        open=opened,
    )


def of_student(
    student: Student, table: TokenTable, used: int, sizes: Sizes, file_bytes: int
) -> Subject:
    """The run's student; `table` is cut to its context, and `used` of its tokens are in there."""
    wide = sizes.parameters["token embedding"] // student.vocabulary_size

    def opened(device: str, dtype: str) -> Forward:
        import torch

        forward: Forward = copy.deepcopy(student).to(device=device, dtype=getattr(torch, dtype))
        return forward

    return Subject(
        name="student",
        title=f"{student.recipe.name}, the run's student",
        note=f"its own weights; L = {student.recipe.context}",
        kind="student",
        context=student.recipe.context,
        padded=student.padded,
        pads=True,
        pad_id=student.pad_id,
        table=table,
        parameters=sizes.held,
        used=sizes.held - (student.vocabulary_size - used) * wide,
        bytes={precision: sizes.total_bytes(precision) for precision in PRECISIONS},
        file_bytes=file_bytes,
        published=None,
        open=opened,
    )


def of_peer(peer: Peer, table: TokenTable, special_ids: Sequence[int]) -> Subject:
    """A shape of Table 8; `table` are the prompts' ids by SAM3's tokenizer."""
    cut = truncate(table, peer.context, special_ids)
    row = peer.published
    sizes = Sizes.of(_tensors(peer), 0)

    def opened(device: str, dtype: str) -> Forward:
        module = peer.build(device, dtype)
        return lambda ids, mask: peer.forward(module, ids, mask)

    return Subject(
        name=peer.name,
        title=peer.title,
        note=f"random weights; {peer.note}",
        kind="shape",
        context=peer.context,
        padded=peer.padded,
        pads=peer.pads,
        pad_id=0,
        table=TokenTable(cut.ids % peer.vocabulary, cut.offsets),
        parameters=peer.count(),
        used=None,
        bytes={precision: sizes.total_bytes(precision) for precision in PRECISIONS},
        file_bytes=None,
        published=None
        if row is None
        else Published(
            parameters=str(row.parameters),
            throughput=str(row.throughput),
            speedup=str(row.speedup),
        ),
        open=opened,
    )


def _tensors(peer: Peer) -> Iterator[tuple[str, tuple[int, ...], bool]]:
    import torch

    with torch.device("meta"):
        module = peer.make()
    for parameter in module.parameters():
        yield "all", tuple(parameter.shape), True
