"""A folder that transformers opens by itself: model, projector, tokenizer, card.

litetext students are `Sam3LiteTextTextModel`, with the unused projection put back; shallow ones
their teacher's own class. What makes the teacher's outputs of the hidden states is no part of
either class: it lies in ``projector/``, as sentence-transformers lays out a Dense module, and five
lines of the card run it. Where there is none, modules.json lets sentence-transformers open the
whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.files import write_whole
from distill.exports.compare import Reference, check, cosines
from distill.exports.loading import from_folder, quiet
from distill.exports.model_card import write_card
from distill.exports.record import Comparison
from distill.exports.tokenizer_files import check_tokenizer, write_tokenizer

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

NAME = "transformers"
PROJECTOR = "projector"
_DENSE = "model.safetensors"
_AFTER = ("pooler.", "head.")  # of a teacher's class, behind the outputs that are learnt
_SAM3_LENGTH = 32  # what transformers' Sam3Processor pads to


def write(
    run: TrainedRun, reference: Reference, folder: Path, target: Path
) -> tuple[list[Comparison], dict[str, Any]]:
    """Write the folder and load it back.

    Raises
    ------
    InputError
        If it is not the run's student; `target` names the place in the message.
    """
    lite = run.student.recipe.kind == "litetext"
    with quiet():
        published(run).save_pretrained(folder)
    _write_projector(run, folder / PROJECTOR)
    if opens_in_sentence_transformers(run):
        _write_modules(run, folder)
    write_tokenizer(run, folder, fixed=lite)
    found, measured = check_tokenizer(run, reference, folder)
    found += _loaded_back(run, reference, folder)
    check(found, target, NAME)
    notes = _notes(run)
    if lite:
        measured["padding_effects"] = padding_effects(run, reference)
        notes += _padding_notes(measured["padding_effects"])
    write_card(run, folder, "for transformers", snippet(run), found, notes)
    return found, measured


def published(run: TrainedRun) -> Any:
    """The student's text model as its class has it, weights shared with the student."""
    import torch
    import transformers

    from distill.litetext import with_projection

    student = run.student
    if student.recipe.kind == "litetext":
        return with_projection(student.text_model)
    pooled = student.pooled_projection
    if pooled is None or student.shape.projected:
        return student.text_model
    config = transformers.CLIPTextConfig.from_dict(student.text_model.config.to_dict())
    config.projection_dim = pooled.out_features
    with torch.device("meta"):
        whole: Any = transformers.CLIPTextModelWithProjection(config)
    whole.text_model, whole.text_projection = student.text_model, pooled
    return whole.eval()


def loader(run: TrainedRun) -> str:
    """The class of transformers that opens the folder: AutoModel where that finds the right one."""
    import transformers

    own = type(published(run))
    found: Any = transformers.MODEL_MAPPING.get(own.config_class, None)
    return "AutoModel" if found is own else own.__name__


def opens_in_sentence_transformers(run: TrainedRun) -> bool:
    """Whether that library's own steps give the run's pooled outputs.

    It pads to the longest of a batch, which stretches a litetext student's positions.
    """
    import torch

    plain = isinstance(run.student.projector, torch.nn.Identity)
    return plain and run.recipe.teacher.pooling in ("mean", "cls")


def projected(run: TrainedRun, hidden: Any, folder: Path) -> Any:
    """Hidden states [..., d] through the exported projector, if there is one."""
    import torch
    from safetensors.torch import load_file

    if not (folder / PROJECTOR).is_dir():
        return hidden
    dense = load_file(folder / PROJECTOR / _DENSE)
    return torch.nn.functional.linear(hidden, dense["linear.weight"], dense["linear.bias"])


def snippet(run: TrainedRun, folder: str = "FOLDER") -> str:
    """Python that runs the exported folder; a test runs this very text."""
    import torch

    student, pooling = run.student, run.recipe.teacher.pooling
    lite, pooled_projection = student.recipe.kind == "litetext", student.pooled_projection
    name = loader(run)
    bert = not lite and student.shape.architecture == "BertModel"
    options = ", add_pooling_layer=False" if bert else ""
    padding = '"max_length"' if lite else "True"
    lines = ["import torch"]
    has_projector = not isinstance(student.projector, torch.nn.Identity)
    if has_projector:
        lines += ["from safetensors.torch import load_file"]
    lines += [
        f"from transformers import {', '.join(sorted(('AutoTokenizer', name)))}",
        "",
        f'folder = "{folder}"',
        "tokenizer = AutoTokenizer.from_pretrained(folder)",
        f"model = {name}.from_pretrained(folder{options}).eval()",
        'prompts = ["a red cup", "person wearing a hat"]',
        f'batch = tokenizer(prompts, padding={padding}, truncation=True, return_tensors="pt")',
        "with torch.inference_mode():",
        "    outputs = model(**batch)",
        "    tokens = outputs.last_hidden_state",
    ]
    if has_projector:
        lines += [
            f'    dense = load_file(f"{{folder}}/{PROJECTOR}/{_DENSE}")',
            '    weight, bias = dense["linear.weight"], dense["linear.bias"]',
            "    tokens = torch.nn.functional.linear(tokens, weight, bias)",
        ]
    if pooling == "mean":
        lines += [
            '    mask = batch["attention_mask"].unsqueeze(-1)',
            "    pooled = (tokens * mask).sum(1) / mask.sum(1)",
        ]
    elif pooling == "cls":
        lines += ["    pooled = tokens[:, 0]"]
    elif name == "CLIPTextModelWithProjection":
        lines += ["    pooled = outputs.text_embeds"]
    else:
        lines += [
            '    pooled = tokens[range(len(tokens)), batch["attention_mask"].sum(1) - 1]',
        ]
        if pooled_projection is not None:
            lines += ['    pooled = pooled @ dense["pooled_projection.weight"].T']
    return "\n".join(lines)


def padding_effects(run: TrainedRun, reference: Reference) -> list[dict[str, Any]]:
    """What a litetext student gives if it is padded otherwise than it was trained.

    Returns
    -------
    list of dict
        Of each way to pad: how far the outputs at tokens that count are from those of padding to
        L with the pad id and a mask (largest absolute difference, lowest and mean cosine).
    """
    import torch

    student, context = run.student, run.context
    model = published(run)
    mask = torch.from_numpy(reference.mask)

    def outputs(length: int, pad: int, masked: bool) -> np.ndarray:
        ids = torch.full((len(mask), length), pad)
        valid = torch.zeros(len(mask), length, dtype=torch.long)
        ids[:, :context] = torch.where(mask, torch.from_numpy(reference.ids), pad)
        valid[:, :context] = mask
        with torch.inference_mode():
            hidden = model(ids, attention_mask=valid if masked else None).last_hidden_state
            found: np.ndarray = student.projector(hidden)[:, :context][mask].float().numpy()
        return found

    own = outputs(context, student.pad_id, True)
    ways = [(f"id {student.pad_id}, no mask", context, student.pad_id, False)]
    if student.pad_id != 0:
        ways += [("id 0, with a mask", context, 0, True), ("id 0, no mask", context, 0, False)]
    if context < _SAM3_LENGTH:
        there = f"padded to {_SAM3_LENGTH} as Sam3Processor does, with a mask"
        ways.append((there, _SAM3_LENGTH, student.pad_id, True))
    effects = []
    for way, length, pad, masked in ways:
        given = outputs(length, pad, masked)
        near = cosines(given, own)
        effects.append(
            {
                "padding": way,
                "largest_absolute_difference": float(np.abs(given - own).max()),
                "lowest_cosine": float(near.min()),
                "mean_cosine": float(near.mean()),
            }
        )
    return effects


def _loaded_back(run: TrainedRun, reference: Reference, folder: Path) -> list[Comparison]:
    import torch
    import transformers

    student = run.student
    model = from_folder(getattr(transformers, loader(run)), folder, _AFTER)
    ids, valid = torch.from_numpy(reference.ids), torch.from_numpy(reference.mask)
    with torch.inference_mode():
        outputs = model(input_ids=ids, attention_mask=valid.long())
        tokens = projected(run, outputs.last_hidden_state, folder).float()
        pooled = student.pooled(tokens, valid, run.recipe.teacher.pooling)
        if "text_embeds" in outputs and run.recipe.teacher.pooling == "end":
            pooled = outputs.text_embeds
    return reference.compare(f"transformers {type(model).__name__}", tokens.numpy(), pooled.numpy())


def _write_projector(run: TrainedRun, folder: Path) -> None:
    import torch
    from safetensors.torch import save

    projector, pooled = run.student.projector, run.student.pooled_projection
    if not isinstance(projector, torch.nn.Linear):
        return
    tensors = {"linear.weight": projector.weight, "linear.bias": projector.bias}
    if pooled is not None:
        tensors["pooled_projection.weight"] = pooled.weight
    config = {
        "in_features": projector.in_features,
        "out_features": projector.out_features,
        "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    write_whole(folder / _DENSE, save(plain))
    write_whole(folder / "config.json", (json.dumps(config, indent=1) + "\n").encode())


def _write_modules(run: TrainedRun, folder: Path) -> None:
    """What sentence-transformers reads: its steps, and how it pools."""
    steps = [("", "Transformer"), ("1_Pooling", "Pooling")]
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(steps)
    ]
    pooling = {
        "word_embedding_dimension": run.student.width,
        "pooling_mode_cls_token": run.recipe.teacher.pooling == "cls",
        "pooling_mode_mean_tokens": run.recipe.teacher.pooling == "mean",
    }
    for path, content in (
        ("modules.json", modules),
        ("1_Pooling/config.json", pooling),
        ("sentence_bert_config.json", {"max_seq_length": run.context, "do_lower_case": False}),
    ):
        write_whole(folder / path, (json.dumps(content, indent=1) + "\n").encode())


def _notes(run: TrainedRun) -> list[str]:
    if run.student.recipe.kind == "litetext":
        padding = (
            f"Pad every batch to {run.context} tokens, as the snippet does: the class stretches "
            "its positions over a batch of any other length. transformers' `Sam3Processor` pads to "
            "32 and cuts nothing; use this folder's tokenizer."
        )
        return [
            padding,
            "`pooler_output` is the output at the highest id; use `pooled` of the snippet.",
        ]
    notes = ["A batch may be as short as its longest prompt."]
    if opens_in_sentence_transformers(run):
        notes.append(
            "sentence-transformers opens the folder too; pooled outputs are not normalised to "
            "length 1."
        )
    if run.student.shape.architecture == "BertModel":
        notes.append("The class's pooler was not trained and is left out.")
    return notes


def _padding_notes(effects: list[dict[str, Any]]) -> list[str]:
    return [
        f"Padding otherwise ({effect['padding']}) changes outputs by up to "
        f"{effect['largest_absolute_difference']:.3g} (mean cosine {effect['mean_cosine']:.4f})."
        for effect in effects
    ]
