"""Shallow students: some of a teacher's own layers, as DistilBERT is made (Sanh et al. 2019).

A shallow student is the teacher's own class with fewer layers, fewer rows of its token table and
fewer positions; what it keeps is exactly the teacher's.
"""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.encoders.model import TextModel, TorchTextModel
from anatomy.encoders.transformers_models import position_embedding
from anatomy.errors import InputError
from anatomy.files import shown
from distill.recipe import StudentRecipe

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Linear

# Of a configuration: where it came from, and how the library would run it.
_NOT_SHAPE = ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype")
_INSIDE = ("intermediate_size", "ffn_dim", "hidden_dim", "d_ff", "n_inner")
_TOKENS = ("bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "mask_token_id")


@dataclass(frozen=True)
class TeacherShape:
    """A teacher's architecture, without its weights.

    Attributes
    ----------
    architecture : str
        Class of transformers that gives the hidden states.
    config : mapping
        Its configuration, as JSON knows it.
    width : int
        Of the teacher's per-token outputs.
    projected : bool
        Whether a linear layer makes them of the hidden states (SAM3).
    pooled_width : int or None
        Where a CLIP projects its end-of-text output: to what width.
    """

    architecture: str
    config: Mapping[str, Any]
    width: int
    projected: bool = False
    pooled_width: int | None = None

    @property
    def layers(self) -> int:
        """Number of its layers."""
        return int(_config(self).num_hidden_layers)

    @property
    def hidden_size(self) -> int:
        """Width of its hidden states."""
        return int(_config(self).hidden_size)

    @property
    def attention_heads(self) -> int:
        """Heads of each of its layers."""
        return int(_config(self).num_attention_heads)

    @property
    def intermediate_size(self) -> int:
        """Width inside its layers."""
        config = _config(self)
        known = [size for name in _INSIDE if (size := getattr(config, name, None))]
        return int(known[0]) if known else 4 * self.hidden_size  # what None means for GPT-2


# SAM3's text path (Carion et al. 2025): what counts and timings need where its weights are not.
SAM3 = TeacherShape(
    "CLIPTextModel",
    {
        "vocab_size": 49_408,
        "hidden_size": 1_024,
        "intermediate_size": 4_096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "max_position_embeddings": 32,
        "projection_dim": 512,
        "hidden_act": "gelu",
    },
    256,
    projected=True,
)


def kept_layers(layers: int, number: int) -> list[int]:
    """Which layers of so many a shallow student of `number` keeps.

    The first, the last and evenly between them; of one layer, the last, whose outputs are the
    ones that are learnt.

    Raises
    ------
    InputError
        If the teacher has fewer.
    """
    if number > layers:
        raise InputError(
            f"--student shallow:{number}: the teacher has {layers} layers; keep at most so many"
        )
    if number == 1:
        return [layers - 1]
    return [round(at * (layers - 1) / (number - 1)) for at in range(number)]


def parts_of(teacher: TextModel) -> tuple[Any, Linear | None]:
    """A teacher's transformer, and what makes its outputs of the hidden states, if anything does.

    Raises
    ------
    InputError
        If it is no torch module.
    """
    if not isinstance(teacher, TorchTextModel):
        raise InputError("teacher: only its outputs are here; give an encoder with its weights")
    module: Any = teacher.module
    if hasattr(module, "text_encoder"):  # SAM3, as anatomy opens it
        return module.text_encoder.text_model, module.text_projection
    return getattr(module, "text_model", module), None


def pooled_projection_of(teacher: TextModel) -> Linear | None:
    """The layer that a CLIP's end-of-text output goes through, where there is one."""
    import torch

    project = getattr(teacher, "project", None)
    return project if isinstance(project, torch.nn.Linear) else None


def teacher_shape(teacher: TextModel) -> TeacherShape:
    """The architecture of an opened teacher.

    Raises
    ------
    InputError
        If it is no torch module.
    """
    tower, projection = parts_of(teacher)
    pooled = pooled_projection_of(teacher)
    hidden = int(tower.config.hidden_size)
    return TeacherShape(
        type(tower).__name__,
        plain(tower.config),
        hidden if projection is None else projection.out_features,
        projection is not None,
        None if pooled is None else pooled.out_features,
    )


def trimmed(
    shape: TeacherShape, recipe: StudentRecipe, vocabulary_size: int, pad_id: int
) -> dict[str, Any]:
    """The configuration of a teacher's class with the student's layers, tokens and positions.

    Its dropout is 0: a student learns fixed numbers, and noise would only blur them.

    Raises
    ------
    InputError
        If the student has layers or positions that the teacher lacks, or if it cannot be seen
        where the teacher's class keeps its layers.
    """
    config = copy.deepcopy(_config(shape))
    before = int(config.num_hidden_layers)
    if recipe.kept_layers[-1] >= before:
        raise InputError(
            f"student: kept_layers {recipe.kept_layers} name a layer that the teacher, with "
            f"{before} of them, does not have; they are counted from 0"
        )
    config.num_hidden_layers = len(recipe.kept_layers)
    if hasattr(config, "use_cache"):
        config.use_cache = False
    for name, value in config.to_dict().items():
        if "drop" in name and isinstance(value, float | int) and not isinstance(value, bool):
            setattr(config, name, 0.0)
        if name in _TOKENS and isinstance(value, int) and value >= vocabulary_size:
            setattr(config, name, _renamed(name, value, config, {}))  # until its new id is known
        if "layer" in name and isinstance(value, list) and len(value) == before:
            setattr(config, name, [value[at] for at in recipe.kept_layers])
    table = _positions_of(shape.architecture, config)
    config.vocab_size = vocabulary_size
    if getattr(config, "pad_token_id", None) is not None:
        config.pad_token_id = pad_id
    if table is not None:
        part, first = table
        room = part.num_embeddings - first
        if recipe.context > room:
            raise InputError(
                f"student: a context of {recipe.context}, but the teacher has {room} positions"
            )
        config.max_position_embeddings -= room - recipe.context
        if part.padding_idx not in (None, pad_id):
            config.max_position_embeddings += pad_id - part.padding_idx
            own = _positions_of(shape.architecture, config)
            if own is None or own[0].padding_idx != pad_id:
                raise InputError(
                    f"student: {shown(shape.architecture)} counts positions from behind padding of "
                    f"id {part.padding_idx}, but the kept tokens make it {pad_id}; keep all below"
                )
    return plain(config)


def _positions_of(architecture: str, config: Any) -> tuple[Any, int] | None:
    """Embedding of positions and first position's row in a class, where its layers can be seen."""
    import torch

    with torch.device("meta"):
        model = empty(architecture, plain(config))
    layers_of(model, architecture)
    table = position_embedding(model, model.get_input_embeddings().embedding_dim)
    return None if table is None else table[1:]


def empty(architecture: str, config: Mapping[str, Any]) -> Any:
    """The class with a configuration, its weights drawn at random; parts it does not need left out.

    A BERT's pooler and a SigLIP's head come after the outputs that are learnt.

    Raises
    ------
    InputError
        If transformers has no such text encoder.
    """
    import torch

    model_class = _class(architecture)
    # In how many pieces a layer computes changes nothing but its memory, and may not fit the rows.
    in_one = {name: 0 for name in ("chunk_size_feed_forward",) if name in config}
    built = model_class.config_class(**{**config, **in_one})
    has_pooler = "add_pooling_layer" in inspect.signature(model_class.__init__).parameters
    model = model_class(built, add_pooling_layer=False) if has_pooler else model_class(built)
    if isinstance(getattr(model, "head", None), torch.nn.Linear):
        model.head = torch.nn.Identity()
    return model


def unused(shape: TeacherShape) -> int:
    """Parameters that the published class has beside those of `empty`.

    A pooler, a head; in SAM3, whose class is CLIP's with a projection, that projection.
    """
    import torch

    with torch.device("meta"):
        whole = _class(shape.architecture)(_config(shape))
        ours = empty(shape.architecture, shape.config)
    all_of_it, of_ours = (sum(p.numel() for p in m.parameters()) for m in (whole, ours))
    projection = shape.config.get("projection_dim") if shape.projected else None
    return int(all_of_it - of_ours) + shape.hidden_size * int(projection or 0)


def layers_of(model: Any, architecture: str) -> str:
    """The name under which a model keeps its layers.

    Raises
    ------
    InputError
        If there is no single list of as many modules as the configuration says.
    """
    import torch

    number = model.config.num_hidden_layers
    found = [
        name
        for name, part in model.named_modules()
        if isinstance(part, torch.nn.ModuleList) and len(part) == number
    ]
    outer = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    if len(outer) != 1:
        raise InputError(
            f"student: cannot see which modules of {shown(architecture)} are its {number} layers; "
            "take --student nano instead"
        )
    return str(outer[0])


def copy_weights(
    student: Any, teacher: Any, layers: Sequence[int], kept: np.ndarray, context: int
) -> None:
    """Give a shallow student's transformer the teacher's weights.

    Parameters
    ----------
    student, teacher : module
        Of one class.
    layers : sequence of int
        The teacher's layers that the student has.
    kept : ndarray of int64, shape [U]
        The teacher's id of each of the student's tokens.
    context : int
        The teacher's first so many positions are kept.

    Raises
    ------
    InputError
        If the student needs a tensor that those layers do not have.
    """
    import torch

    name_of_class = type(teacher).__name__
    where = layers_of(teacher, name_of_class)
    before = {f"{where}.{at}.": f"{where}.{layer}." for at, layer in enumerate(layers)}
    rows = torch.from_numpy(np.ascontiguousarray(kept, dtype=np.int64))
    embedding = teacher.get_input_embeddings().weight
    wide = embedding.shape[1]
    table, own_table = position_embedding(teacher, wide), position_embedding(student, wide)
    source = dict(teacher.state_dict(keep_vars=True))
    with torch.no_grad():
        for name, target in student.state_dict(keep_vars=True).items():
            start = next((own for own in before if name.startswith(own)), "")
            there = before.get(start, "") + name.removeprefix(start)
            tensor: Any = source.get(there)
            if tensor is embedding:
                tensor = tensor.cpu()[rows]
            elif table is not None and own_table is not None and tensor is table[1].weight:
                tensor = _positions(tensor, table[2], target, own_table[2], context)
            if tensor is None or tensor.shape != target.shape:
                raise InputError(
                    f"student: {shown(name_of_class)} cannot be made shallow: the kept layers have "
                    f"no {shown(there)} of shape {list(target.shape)}; take --student nano instead"
                )
            target.copy_(tensor)
    _rename_tokens(student, teacher.config, kept)


def _positions(table: Tensor, first: int, target: Tensor, own: int, context: int) -> Tensor:
    """The teacher's rows of the first positions where the student's own class looks for them.

    Rows before the first position serve padding, and are as many as the padding's id asks for.
    """
    import torch

    made = torch.zeros_like(target, device=table.device)
    before = min(own, first)
    made[:before] = table[:before]
    made[own : own + context] = table[first : first + context]
    return made


def _rename_tokens(student: Any, before: Any, kept: np.ndarray) -> None:
    """The special tokens that a configuration names, by the student's ids."""
    at = {int(old): new for new, old in enumerate(kept)}
    for name in _TOKENS:
        old = getattr(before, name, None)
        if isinstance(old, int):
            new = _renamed(name, old, before, at)
            setattr(student.config, name, new)
            if hasattr(student, name):
                setattr(student, name, new)


def _renamed(name: str, old: int, config: Any, new_ids: Mapping[int, int]) -> int | None:
    """The new id of a special token; None if it was not kept."""
    if name == "eos_token_id" and config.model_type == "clip_text_model":
        # Here 2 is no id but stands for the highest, as in the first CLIPs' configurations.
        return 2 if old == 2 else new_ids.get(old, 2)
    return new_ids.get(old)


def _class(architecture: str) -> Any:
    """A class of transformers by name."""
    import transformers

    found = getattr(transformers, architecture, None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        raise InputError(f"student: transformers has no text encoder {shown(architecture)}")
    return found


def _config(shape: TeacherShape) -> Any:
    return _class(shape.architecture).config_class(**shape.config)


def plain(config: Any) -> dict[str, Any]:
    """A configuration as JSON knows it, without what is not of its shape."""
    content: dict[str, Any] = json.loads(config.to_json_string(use_diff=False))
    left_out = (*_NOT_SHAPE, "model_type")
    return {name: value for name, value in content.items() if name not in left_out}
