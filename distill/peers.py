"""Text encoders of Table 8 as shapes: the right sizes with random weights.

What a text encoder costs depends on its shape and not on what its weights are, so its weights need
not be at hand. Their values are small random numbers: zeros, and numbers near the smallest, run at
other speeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anatomy.ledger.tables import TABLE_8, SpeedRow
from distill import shallow
from distill.architectures import MOBILECLIP, student_recipe

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Forward = Callable[[Any, "Tensor", "Tensor | None"], "Tensor"]


@dataclass(frozen=True)
class Peer:
    """A text encoder that can be built.

    Attributes
    ----------
    name : str
        Of `--models`.
    title : str
    context : int
        Positions of a prompt as its own processor pads it.
    vocabulary : int
        Tokens.
    padded : bool
        Whether it must be run on exactly `context` positions.
    pads : bool
        Whether its processor pads every prompt to `context`; else to the longest of a batch.
    make : callable() -> Module
        On torch's current default device.
    forward : callable(module, ids, mask) -> Tensor [B, n, D]
        The mask [B, n] bool is True where a token counts; None: all do.
    published : SpeedRow or None
        Its row of Table 8.
    note : str
        Where its sizes are from.
    """

    name: str
    title: str
    context: int
    vocabulary: int
    padded: bool
    pads: bool
    make: Callable[[], Module]
    forward: Forward
    published: SpeedRow | None
    note: str

    def count(self) -> int:
        """Parameters, as the published class has them."""
        import torch

        with torch.device("meta"):
            return sum(parameter.numel() for parameter in self.make().parameters())

    def build(self, device: str, dtype: str) -> Module:
        """It, with random weights, in evaluation mode."""
        import torch

        with torch.device("meta"):
            module = self.make()
        module = module.to(getattr(torch, dtype)).to_empty(device=device).eval()
        generator = torch.Generator(device).manual_seed(0)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.uniform_(-0.03, 0.03, generator=generator)
            for name, buffer in module.named_buffers():
                _fill(name, buffer)
        return module.requires_grad_(False)


def _fill(name: str, buffer: Tensor) -> None:
    """Positions count up, statistics are those of a normal distribution."""
    import torch

    if buffer.dtype == torch.int64 and buffer.ndim:
        count = torch.arange(buffer.shape[-1], device=buffer.device)
        buffer.copy_((0 * count if "type" in name else count).expand_as(buffer))
    else:
        buffer.fill_(1.0 if name.endswith("running_var") else 0.0)


def published(model: str, length: int | None) -> SpeedRow:
    """A row of Table 8."""
    return next(row for row in TABLE_8 if (row.model, row.length) == (model, length))


def _sam3() -> Module:
    import torch
    import transformers

    shape = shallow.SAM3
    config = transformers.CLIPTextConfig(**shape.config)
    module = transformers.CLIPTextModelWithProjection(config)
    module.resizer = torch.nn.Linear(shape.hidden_size, shape.width)
    return module


def _eva() -> Module:
    import transformers

    config = transformers.CLIPTextConfig(
        vocab_size=49_408,
        hidden_size=1_280,
        intermediate_size=5_120,
        num_hidden_layers=32,
        num_attention_heads=20,
        max_position_embeddings=77,
        projection_dim=1_024,
        hidden_act="gelu",
    )
    return transformers.CLIPTextModelWithProjection(config)


def _bert() -> Module:
    import transformers

    return transformers.BertModel(transformers.BertConfig())


def _clip_forward(module: Any, ids: Tensor, mask: Tensor | None) -> Tensor:
    valid = None if mask is None else mask.long()
    hidden: Tensor = module.text_model(input_ids=ids, attention_mask=valid).last_hidden_state
    return module.resizer(hidden) if hasattr(module, "resizer") else hidden


def _bert_forward(module: Any, ids: Tensor, mask: Tensor | None) -> Tensor:
    valid = None if mask is None else mask.long()
    hidden: Tensor = module(input_ids=ids, attention_mask=valid).last_hidden_state
    return hidden


def _student_forward(module: Any, ids: Tensor, mask: Tensor | None) -> Tensor:
    outputs: Tensor = module(ids, mask)
    return outputs


SAM3 = Peer(
    "sam3",
    "SAM3's text encoder",
    32,
    49_408,
    False,
    True,
    _sam3,
    _clip_forward,
    published("SAM3 (Teacher)", 32),
    "24 layers, 1,024 wide, causal, and the projection to 256",
)
EVA = Peer(
    "eva02-clip-bige",
    "EVA02-CLIP-bigE-14-plus, text tower (APE)",
    77,
    49_408,
    False,
    True,
    _eva,
    _clip_forward,
    published("APE (EVA02-CLIP-bigE)", None),
    "32 layers, 1,280 wide, 20 heads, causal, with its projection to 1,024, as EVA-CLIP's "
    "configuration says; APE's own reading of it may differ",
)
BERT = Peer(
    "bert-base",
    "BERT-Base (LLMDet)",
    512,
    30_522,
    False,
    False,
    _bert,
    _bert_forward,
    published("LLMDet (BERT-Base)", None),
    "12 layers, 768 wide, with its pooler",
)


def student_peer(name: str, context: int) -> Peer:
    """A student of the paper at a context length, with SAM3's vocabulary and output width."""
    import torch

    from distill.students import Student

    recipe = student_recipe(name, context=context, init="random")
    shape = shallow.TeacherShape("", {}, shallow.SAM3.width, True)

    def make() -> Module:
        student = Student(recipe, 49_408, 0, shape)
        # What transformers' class has beside it; nothing reads it here.
        hidden = recipe.hidden_size
        student.unused_projection = torch.nn.Linear(hidden, hidden, bias=False)
        return student

    row = {"mobileclip-s0": "MC-S0", "mobileclip-s1": "MC-S1", "mobileclip2-l": "MC2-L"}[name]
    return Peer(
        f"{name}@{context}",
        f"{name}, L = {context}",
        context,
        49_408,
        recipe.repmixer,
        True,
        make,
        _student_forward,
        published(row, context),
        "SAM3-LiteText's, with SAM3's vocabulary",
    )


def peers() -> Mapping[str, Peer]:
    """All of Table 8, by name."""
    students = [student_peer(name, context) for name in MOBILECLIP for context in (16, 32)]
    return {peer.name: peer for peer in (SAM3, EVA, BERT, *students)}
