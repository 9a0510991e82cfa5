"""The architecture of SAM3-LiteText's students: transformers' `Sam3LiteTextTextModel`.

Two things of it are done otherwise here, and undone for exports. Its output projection, hidden size
by hidden size, gives only a pooled output that SAM3 does not use: it is left out (0.26 M parameters
in S0). And its table of positions is stretched where a batch is shorter than the table: here the
first rows are taken, so that a batch need not be padded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distill.recipe import StudentRecipe

if TYPE_CHECKING:
    from torch import Tensor


def text_model(recipe: StudentRecipe, vocabulary_size: int) -> Any:
    """A `Sam3LiteTextTextModel` without its projection, its weights drawn at random."""
    import torch

    model = _published_class(_config(recipe, vocabulary_size))
    model.projection = torch.nn.Identity()
    return model


def with_projection(model: Any) -> Any:
    """A student's text model as transformers' class has it, with the projection put back.

    The projection is the identity, so that `pooler_output` is the output at the end-of-text token.
    The other weights are shared with `model`.
    """
    import torch

    with torch.device("meta"):
        whole = _published_class(model.config)
    state = model.state_dict(keep_vars=True)
    norm = model.final_layer_norm.weight
    state["projection.weight"] = torch.eye(len(norm), device=norm.device, dtype=norm.dtype)
    whole.load_state_dict(state, assign=True)
    return whole.train(model.training)


def hidden_states(model: Any, ids: Tensor, mask: Tensor | None) -> Tensor:
    """The last hidden states [B, n, d] for ids int64 [B, n], of which those under `mask` count.

    The same as the class gives for a batch that is padded to the length of its table, at the valid
    positions, if there are no RepMixer blocks: attention does not see what the mask hides.
    """
    import torch

    length = ids.shape[1]
    embeddings = model.embeddings
    positions = embeddings.position_embedding.position_embedding[0, :, :length]
    hidden = embeddings.token_embedding(ids)
    hidden = hidden + positions.to(hidden.dtype)
    # The library's own function would ask the device whether all is valid, and wait for it.
    allowed = None if mask is None else mask[:, None, None, :]
    if allowed is not None and model.config._attn_implementation == "eager":  # adds what it gets
        least = torch.finfo(hidden.dtype).min
        allowed = torch.zeros_like(allowed, dtype=hidden.dtype).masked_fill(~allowed, least)
    for layer in model.layers:
        hidden = layer(hidden, attention_mask=allowed)
    normed: Tensor = model.final_layer_norm(hidden)
    return normed


def _config(recipe: StudentRecipe, vocabulary_size: int) -> Any:
    from transformers import Sam3LiteTextTextConfig

    return Sam3LiteTextTextConfig(
        vocab_size=vocabulary_size,
        hidden_size=recipe.hidden_size,
        intermediate_size=recipe.intermediate_size,
        projection_dim=recipe.hidden_size,
        num_hidden_layers=recipe.hidden_layers,
        num_attention_heads=recipe.attention_heads,
        max_position_embeddings=recipe.context,
        use_repmixer_blocks=recipe.repmixer,
    )


def _published_class(config: Any) -> Any:
    from transformers import Sam3LiteTextTextModel

    # Boolean masks, as `hidden_states` gives them, are what this implementation takes.
    text_class: Any = Sam3LiteTextTextModel
    return text_class._from_config(config, attn_implementation="sdpa")
