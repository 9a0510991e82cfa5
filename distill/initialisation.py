"""What a student knows before it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anatomy.encoders.model import TextModel
from anatomy.errors import InputError
from distill import shallow
from distill.architectures import check_init
from distill.mobileclip import load_mobileclip
from distill.students import Bottleneck, Student

_FILE = "mobileclip="
_PROBES = 256  # rows of random tokens on which a bottleneck's directions are chosen


def initialise(
    student: Student, teacher: TextModel | None, kept: np.ndarray, init: str
) -> list[str]:
    """Give a newly built student what it starts from.

    teacher
        shallow: the teacher's own layers, rows and positions. litetext: as svd, but the token
        table is copied where the widths agree.
    svd
        litetext only; see `_from_tables` for what is done, and why.
    random
        What `build` drew.
    mobileclip=FILE
        litetext only; see `distill.mobileclip`.

    Parameters
    ----------
    student : Student
        From `build`; changed in place.
    teacher : TextModel or None
        Needed for teacher and svd.
    kept : ndarray of int64, shape [U]
        The teacher's id of each of the student's tokens.
    init : str

    Returns
    -------
    list of str
        What was done, in words.

    Raises
    ------
    InputError
        If it cannot be done.
    """
    recipe = student.recipe
    check_init(recipe.model_copy(update={"init": init}))
    if len(kept) != student.vocabulary_size:
        raise ValueError(f"{len(kept)} kept tokens for a student of {student.vocabulary_size}")
    rows = None if teacher is None else len(teacher.token_embedding)
    if rows is not None and kept.max() >= rows:
        raise InputError(
            f"student: token {kept.max():,} is kept, but the teacher has embeddings of {rows:,} "
            "tokens; take tokenizer and weights from one repository"
        )
    if init == "random":
        return ["all weights: random"]
    if init.startswith(_FILE):
        path = Path(init.removeprefix(_FILE)).expanduser()
        return load_mobileclip(student, path, kept, rows)
    if teacher is None:
        raise InputError(f"--init {init}: needs the teacher's weights, which are not here")
    with torch.no_grad():
        if recipe.kind == "shallow":
            return _from_layers(student, teacher, kept)
        return _from_tables(student, teacher, kept, copied=init == "teacher")


def _from_layers(student: Student, teacher: TextModel, kept: np.ndarray) -> list[str]:
    recipe = student.recipe
    tower, projection = shallow.parts_of(teacher)
    shallow.copy_weights(student.text_model, tower, recipe.kept_layers, kept, recipe.context)
    layers = ", ".join(str(layer + 1) for layer in recipe.kept_layers)
    rows = f"its rows of {len(kept):,} kept tokens, its first {recipe.context} positions"
    said = [f"the teacher's layers {layers} (the first is 1), {rows}"]
    if recipe.bottleneck is not None or projection is not None:
        width = student.text_model.config.hidden_size
        weight = torch.eye(width) if projection is None else projection.weight.float().cpu()
        bias = torch.zeros(student.width) if projection is None else projection.bias.float().cpu()
        whose = "the identity" if projection is None else "the teacher's"
        said.append(_set_projector(student, weight, bias, whose))
    return said


def _from_tables(
    student: Student, teacher: TextModel, kept: np.ndarray, *, copied: bool
) -> list[str]:
    """Token table, positions and projector from the teacher's tables; the layers stay random.

    With E [U, d] the teacher's rows of the kept tokens, E = U S V^T, and V_w its first w right
    singular vectors (w: the student's width), the token table is E V_w, of all tables of that width
    the one from which E can be rebuilt best (Eckart & Young 1936). Positions, which are added to
    tokens, go through the same V_w, with the constant that a BERT adds to every token (its token
    type). Where the student is wider than E, the columns left over are 0. With `copied`, V_w is the
    identity if the widths agree.

    Both are divided by the tokens' root mean square. The student's layers norm what they read, so
    this changes nothing but how much the random layers add beside what the tables hold.

    A teacher's outputs are T (g * n + c) + t, with n its last normed hidden states, g and c the
    gain and offset of its last LayerNorm, and T and t its projection (the identity where there is
    none). What reaches the student's last norm is, at first, about its own tokens' rows; so its
    projector is T diag(g) V_w, with bias T c + t: a token's output starts as what the teacher's
    end would make of that token's embedding.
    """
    recipe = student.recipe
    embeddings: Any = student.text_model.embeddings
    table = torch.from_numpy(np.ascontiguousarray(teacher.token_embedding[kept])).double()
    width, wide = recipe.hidden_size, table.shape[1]
    same = copied and width == wide
    basis = torch.eye(wide, dtype=torch.float64) if same else _right_singular(table)[:, :width]
    basis = torch.nn.functional.pad(basis, (0, width - basis.shape[1]))
    tokens = table @ basis
    scale = tokens.square().mean().sqrt().clamp_min(torch.finfo(torch.float32).tiny)
    embeddings.token_embedding.weight.copy_(tokens / scale)
    how = "copied" if same else f"by singular value decomposition from {wide:,} to {width:,}"
    said = [f"token table: the teacher's, {how}, scaled to root mean square 1; layers: random"]
    positions = _positions(teacher, recipe.context)
    if positions is None:
        said.append(f"positions: random; {teacher.no_positions}")
    else:
        own = embeddings.position_embedding.position_embedding
        own.copy_((positions.double() @ basis / scale)[None, None])
        said.append("positions: the teacher's first, likewise")
    end = _end_of(teacher, wide)
    if end is None:
        return [*said, "projector: random; the teacher's embeddings are of another width inside"]
    weight, bias = end
    whose = "the teacher's last norm and projection, likewise"
    return [*said, _set_projector(student, (weight @ basis).float(), bias.float(), whose)]


def _right_singular(table: Tensor) -> Tensor:
    """Right singular vectors [d, d] of a float64 matrix, by falling singular value.

    Each with its largest entry positive, so that they do not depend on the solver's signs.
    """
    _, vectors = torch.linalg.eigh(table.T @ table)
    vectors = vectors.flip(1)
    largest = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True))
    turned: Tensor = vectors * largest.sign()
    return turned


def _positions(teacher: TextModel, length: int) -> Tensor | None:
    """The teacher's first positions [L, d], with what a BERT adds to every token."""
    if teacher.position_embedding is None:
        return None
    if len(teacher.position_embedding) < length:
        raise InputError(
            f"student: a context of {length}, but the teacher has "
            f"{len(teacher.position_embedding)} positions"
        )
    positions = torch.from_numpy(np.ascontiguousarray(teacher.position_embedding[:length]))
    tower, _ = shallow.parts_of(teacher)
    types = getattr(getattr(tower, "embeddings", None), "token_type_embeddings", None)
    return positions if types is None else positions + types.weight[0].float().cpu()


def _end_of(teacher: TextModel, wide: int) -> tuple[Tensor, Tensor] | None:
    """T diag(g) [D, d] and T c + t [D] of a teacher's end, in float64; see `_from_tables`."""
    tower, projection = shallow.parts_of(teacher)
    if tower.config.hidden_size != wide:
        return None
    norms = [
        part
        for part in tower.modules()
        if isinstance(part, torch.nn.LayerNorm) and part.normalized_shape == (wide,)
    ]
    gain, offset = torch.ones(wide).double(), torch.zeros(wide).double()
    if norms:
        gain, offset = norms[-1].weight.cpu().double(), norms[-1].bias.cpu().double()
    if projection is None:
        return torch.diag(gain), offset
    weight, bias = projection.weight.cpu().double(), projection.bias.cpu().double()
    return weight * gain, weight @ offset + bias


def _set_projector(student: Student, weight: Tensor, bias: Tensor, whose: str) -> str:
    """Set the projector to a linear layer [D, w], or to its best part through a bottleneck.

    The bottleneck keeps the directions of the most variance that the outputs have on random kept
    tokens: among all of that rank, the part that changes those outputs least.
    """
    projector = student.projector
    if isinstance(projector, Bottleneck):
        narrow = projector.narrow.out_features
        outputs = _probe(student) @ weight.double().T
        middle = outputs.mean(dim=0)
        directions = _right_singular(outputs - middle)[:, :narrow]
        kept = directions @ directions.T
        directions = torch.nn.functional.pad(directions, (0, narrow - directions.shape[1]))
        projector.narrow.weight.copy_(directions.T @ weight.double())
        projector.wide.weight.copy_(directions)
        projector.wide.bias.copy_(bias.double() + middle - kept @ middle)
        return f"projector: {whose}, through the {narrow} directions of the most variance"
    assert isinstance(projector, torch.nn.Linear)  # noqa: S101
    projector.weight.copy_(weight)
    projector.bias.copy_(bias)
    return f"projector: {whose}"


def _probe(student: Student) -> Tensor:
    """Hidden states [rows, w] of a student on random rows of its tokens, float64."""
    rng = np.random.default_rng(0)
    shape = (_PROBES, student.recipe.context)
    ids = torch.from_numpy(rng.integers(0, student.vocabulary_size, shape))
    was_training, projector = student.training, student.projector
    student.eval()
    student.projector = torch.nn.Identity()
    try:
        hidden: Tensor = student(ids, torch.ones_like(ids, dtype=torch.bool)).double()
    finally:
        student.projector = projector
        student.train(was_training)
    return hidden.flatten(0, 1)
