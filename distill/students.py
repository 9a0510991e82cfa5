"""Students: small text encoders that are trained on a teacher's per-token outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from anatomy.encoders.model import TextModel
from anatomy.encoders.transformers_models import position_embedding
from anatomy.errors import InputError
from anatomy.files import shown
from distill import litetext, shallow
from distill.architectures import checked
from distill.recipe import Pooling, StudentRecipe
from distill.shallow import TeacherShape
from distill.sizes import Sizes


class Bottleneck(torch.nn.Module):
    """A linear layer of low rank in two parts, width -> bottleneck -> D, with one bias at the end.

    The paper's output width study (d = 32), without changing what the detector takes.
    """

    def __init__(self, width: int, bottleneck: int, outputs: int) -> None:
        super().__init__()
        self.narrow = torch.nn.Linear(width, bottleneck, bias=False)
        self.wide = torch.nn.Linear(bottleneck, outputs)

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., width] -> [..., D]."""
        outputs: Tensor = self.wide(self.narrow(hidden))
        return outputs

    def folded(self) -> torch.nn.Linear:
        """The one linear layer that computes the same."""
        linear = torch.nn.Linear(self.narrow.in_features, self.wide.out_features)
        with torch.no_grad():
            linear.weight.copy_(self.wide.weight.double() @ self.narrow.weight.double())
            linear.bias.copy_(self.wide.bias)
        return linear.to(self.wide.weight.device, self.wide.weight.dtype)


class Student(torch.nn.Module):
    """A text encoder that gives a teacher's per-token outputs. Made by `build` or `load`.

    Attributes
    ----------
    recipe : StudentRecipe
    text_model : torch.nn.Module
        litetext: transformers' `Sam3LiteTextTextModel`, without its unused projection. shallow:
        the teacher's class.
    projector : torch.nn.Module
        From its hidden states to the teacher's outputs: Linear, `Bottleneck`, or Identity for a
        shallow student of a teacher that has none.
    pooled_projection : torch.nn.Linear or None
        A CLIP's projection of the end-of-text output: the teacher's own, not trained.
    vocabulary_size : int
    width : int
        D, of the teacher's outputs.
    pad_id : int
    padded : bool
        True: it must be run at exactly L positions, padded with `pad_id` and with a mask, since
        RepMixer's convolutions see what stands at padded positions. In training it meets what the
        deployed processor will give it. False: a batch may be as short as its longest prompt.
    """

    def __init__(
        self,
        recipe: StudentRecipe,
        vocabulary_size: int,
        pad_id: int,
        shape: TeacherShape,
    ) -> None:
        """With random weights from torch's generator.

        `shape` gives the outputs' width and, of a shallow student, class and configuration as
        `shallow.trimmed` made them.
        """
        super().__init__()
        self.recipe = recipe
        self.vocabulary_size, self.width, self.pad_id = vocabulary_size, shape.width, pad_id
        self.padded = recipe.repmixer
        self.shape = shape
        if recipe.kind == "litetext":
            self.text_model = litetext.text_model(recipe, vocabulary_size)
        else:
            self.text_model = shallow.empty(shape.architecture, shape.config)
        self.projector = self._new_projector()
        self.pooled_projection: torch.nn.Linear | None = None
        if shape.pooled_width is not None:
            self.pooled_projection = torch.nn.Linear(shape.width, shape.pooled_width, bias=False)
            self.pooled_projection.requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Per-token outputs.

        Parameters
        ----------
        ids : Tensor of int64, shape [B, n]
            n is at most L, and L itself if the student is `padded`.
        mask : Tensor of bool, shape [B, n]
            True where a token counts: at least one of each row, the first ones. None: all do.

        Returns
        -------
        Tensor of float32, shape [B, n, D]
            At positions that do not count, whatever comes out.

        Raises
        ------
        ValueError
            For more positions than L; for anything but padded rows of L with a mask, if the
            student is `padded`. Other ids than `pad_id` at padding are looked for on the CPU only:
            on another device the question would stall it.
        """
        context = self.recipe.context
        if ids.shape[1] > context:
            raise ValueError(f"rows of {ids.shape[1]} tokens, but a context of {context}")
        if self.padded:
            self._check_padding(ids, mask)
        if self.recipe.kind == "litetext":
            hidden = litetext.hidden_states(self.text_model, ids, mask)
        else:
            valid = torch.ones_like(ids) if mask is None else mask.long()
            hidden = self.text_model(
                input_ids=ids, attention_mask=valid, return_dict=True
            ).last_hidden_state
        outputs: Tensor = self.projector(hidden)
        return outputs.float()

    def pooled(self, tokens: Tensor, mask: Tensor | None, pooling: Pooling) -> Tensor:
        """One output a prompt [B, D'] of per-token outputs [B, n, D], as the teacher pools its own.

        "mean" over the tokens that count, "end" at the last of them (through `pooled_projection`
        where there is one), "cls" at the first.
        """
        if pooling == "cls":
            return tokens[:, 0]
        if mask is None:
            mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        if pooling == "mean":
            valid = mask.unsqueeze(-1).to(tokens.dtype)
            return (tokens * valid).sum(dim=1) / valid.sum(dim=1)
        places = torch.arange(mask.shape[1], device=mask.device)
        last = torch.where(mask, places, 0).amax(dim=1)
        end = tokens[torch.arange(len(tokens), device=tokens.device), last]
        if self.pooled_projection is None:
            return end
        projected: Tensor = self.pooled_projection(end)
        return projected

    def folded(self) -> Student:
        """The same student with its bottleneck made one linear layer; itself if it has none."""
        if not isinstance(self.projector, Bottleneck):
            return self
        recipe = self.recipe.model_copy(update={"bottleneck": None})
        with torch.device("meta"):
            whole = Student(recipe, self.vocabulary_size, self.pad_id, self.shape)
        whole.text_model, whole.pooled_projection = self.text_model, self.pooled_projection
        whole.projector = self.projector.folded()
        return whole.train(self.training)

    def save(self, folder: Path) -> None:
        """Write the student: see `distill.student_files`."""
        from distill.student_files import save

        save(self, folder)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Student:
        """Read a student, in eval mode: see `distill.student_files`."""
        from distill.student_files import load

        return load(folder).to(device)

    def _new_projector(self) -> torch.nn.Module:
        hidden = self.text_model.config.hidden_size
        if self.recipe.bottleneck is not None:
            return Bottleneck(hidden, self.recipe.bottleneck, self.width)
        if self.recipe.kind == "shallow" and not self.shape.projected:
            return torch.nn.Identity()
        return torch.nn.Linear(hidden, self.width)

    def _check_padding(self, ids: Tensor, mask: Tensor | None) -> None:
        context = self.recipe.context
        needs = f"a student with RepMixer blocks needs rows of {context} tokens, padded with id "
        needs += f"{self.pad_id}, and a mask"
        if ids.shape[1] != context:
            raise ValueError(f"{needs}; got rows of {ids.shape[1]}")
        if mask is None:
            raise ValueError(f"{needs}; got no mask")
        if ids.device.type == "cpu" and not torch.compiler.is_compiling():
            others = ids[~mask.bool()]
            if bool((others != self.pad_id).any()):
                raise ValueError(f"{needs}; got other ids at padding")


def build(
    recipe: StudentRecipe,
    vocabulary_size: int,
    width: int,
    pad_id: int,
    seed: int,
    teacher: TextModel | None,
) -> Student:
    """A student with random weights of a seed; `distill.initialisation.initialise` comes next.

    Parameters
    ----------
    recipe : StudentRecipe
    vocabulary_size : int
        Kept tokens.
    width : int
        D, of the teacher's per-token outputs.
    pad_id : int
        Of the student's tokenizer.
    seed : int
        Of the weights; torch's own generator is left as it was.
    teacher : TextModel or None
        A shallow student takes its class from it. Of a CLIP, any student takes the projection of
        pooled outputs from it.

    Raises
    ------
    InputError
        If no student can be built of this.
    """
    shape = None if teacher is None else shallow.teacher_shape(teacher)
    if not 0 <= pad_id < vocabulary_size:
        raise ValueError(f"padding with id {pad_id}, but {vocabulary_size} tokens")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = _new(recipe, vocabulary_size, width, pad_id, shape)
    own = None if teacher is None else shallow.pooled_projection_of(teacher)
    if student.pooled_projection is not None and own is not None:
        with torch.no_grad():
            student.pooled_projection.weight.copy_(own.weight)
    return student


def count(
    recipe: StudentRecipe, vocabulary_size: int, width: int, shape: TeacherShape | None = None
) -> Sizes:
    """What a student would weigh, without building it.

    Parameters
    ----------
    recipe : StudentRecipe
    vocabulary_size : int
        Kept tokens.
    width : int
        D, of the teacher's per-token outputs.
    shape : TeacherShape
        Of the teacher; needed for a shallow student.

    Raises
    ------
    InputError
        If no student can be built of this.
    """
    own = 0 if shape is None else int(shape.config.get("pad_token_id") or 0)
    with torch.device("meta"):
        pad_id = min(own, vocabulary_size - 1)  # RoBERTa's kin have a position for each id up to it
        return sizes_of(_new(recipe, vocabulary_size, width, pad_id, shape))


def sizes_of(student: Student) -> Sizes:
    """Parameters and bytes of a student by part.

    The published totals are `Sizes.total`. SAM3-LiteText's students are counted as transformers'
    text model, with the projection of its hidden size to itself that is left out here, and the
    projector to 256. SAM3's own text path (`shallow.SAM3`) is counted with the projection that its
    class, `CLIPTextModelWithProjection`, has and SAM3 does not use.
    """
    tensors = {**trained(student), **kept_buffers(student)}
    parameters = dict(student.named_parameters())
    return Sizes.of(
        (
            (_part(student, name, tensor), tuple(tensor.shape), name in parameters)
            for name, tensor in tensors.items()
            if tensor.is_floating_point()
        ),
        _unused(student),
    )


def parameters(student: Student) -> Mapping[str, int]:
    """Parameters by part: see `distill.sizes.Sizes`."""
    return sizes_of(student).parameters


def _new(
    recipe: StudentRecipe,
    vocabulary_size: int,
    width: int,
    pad_id: int,
    shape: TeacherShape | None,
) -> Student:
    checked(recipe)
    if recipe.kind == "litetext":
        pooled = None if shape is None else shape.pooled_width
        return Student(recipe, vocabulary_size, pad_id, TeacherShape("", {}, width, True, pooled))
    if shape is None:
        raise InputError(
            f"student {shown(recipe.name)}: is made of its teacher's layers, and the teacher's "
            "weights are not here"
        )
    if shape.width != width:
        raise InputError(
            f"student {shown(recipe.name)}: outputs of width {width:,} are asked for, but the "
            f"teacher's are {shape.width:,} wide"
        )
    config = shallow.trimmed(shape, recipe, vocabulary_size, pad_id)
    trimmed = TeacherShape(
        shape.architecture, config, shape.width, shape.projected, shape.pooled_width
    )
    return Student(recipe, vocabulary_size, pad_id, trimmed)


def tables(student: Student) -> tuple[Tensor, Tensor | None]:
    """The token table, and the table of positions where there is one."""
    model = student.text_model
    if student.recipe.kind == "litetext":
        embeddings = model.embeddings
        return embeddings.token_embedding.weight, embeddings.position_embedding.position_embedding
    tokens = model.get_input_embeddings().weight
    table = position_embedding(model, tokens.shape[1])
    return tokens, None if table is None else table[1].weight


def trained(student: Student) -> dict[str, Tensor]:
    """All parameters by name, those of two names once."""
    return dict(student.named_parameters())


def kept_buffers(student: Student) -> dict[str, Tensor]:
    """Buffers that are part of a student's state: the statistics of BatchNorm."""
    names = set(student.state_dict())
    return {name: tensor for name, tensor in student.named_buffers() if name in names}


def _part(student: Student, name: str, tensor: Tensor) -> str:
    if name.startswith("projector."):
        return "projector"
    if name.startswith("pooled_projection."):
        return "pooled projection"
    tokens, positions = tables(student)
    if tensor is tokens:
        return "token embedding"
    return "positions" if tensor is positions else "layers"


def _unused(student: Student) -> int:
    if student.recipe.kind == "litetext":
        return int(student.recipe.hidden_size) ** 2
    return shallow.unused(student.shape)
