"""ONNX models of a student: float32, and int8 with weights quantised.

Inputs ``input_ids`` and ``attention_mask``, int64 [batch, length]; outputs ``tokens``, float32
[batch, length, D] (at positions that do not count, whatever comes out), and ``pooled``, float32
[batch, D']. The batch is free; the length is L for a student that must be padded, and anything up
to L for others.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.errors import InputError
from anatomy.files import shown
from distill.exports.compare import Reference, check, cosines
from distill.exports.model_card import write_card
from distill.exports.record import Comparison
from distill.exports.tokenizer_files import JSON, check_tokenizer, write_tokenizer

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun
    from distill.students import Student

NAME = "onnx"
MODEL, SMALL = "model.onnx", "model_int8.onnx"
# Of int8: the lowest cosine of any token with the student's own.
INT8_COSINE = 0.97
_NEEDED = ("onnx", "onnxruntime", "onnxscript")
_INPUTS, _OUTPUTS = ("input_ids", "attention_mask"), ("tokens", "pooled")


def write(
    run: TrainedRun, reference: Reference, folder: Path, target: Path
) -> tuple[list[Comparison], dict[str, Any]]:
    """Write both models and the tokenizer, and run them under onnxruntime.

    Raises
    ------
    InputError
        If the libraries are not installed, or what comes out is not the student.
    """
    _check_installed()
    from distill.students import sizes_of

    padded = run.student.padded
    with _quiet():
        _export(run, folder / MODEL)
        _quantise(folder / MODEL, folder / SMALL)
    write_tokenizer(run, folder, fixed=padded)
    found, measured = check_tokenizer(run, reference, folder)
    found += _exact(run, reference, folder / MODEL) + _near(reference, folder / SMALL)
    check(found, target, NAME)
    if padded:
        note = f"Every batch must be padded to {run.context} tokens; {JSON} says so."
    else:
        note = f"Batch and length are free; at most {run.context} tokens."
    both = (
        f"`{SMALL}` quantises activations by the largest of a batch: its outputs depend a little "
        "on what else is in it."
    )
    write_card(run, folder, "for onnxruntime", snippet(), found, [note, both], NAME)
    estimate = sizes_of(run.student).total_bytes("int8")
    real = (folder / SMALL).stat().st_size
    return found, measured | {
        "bytes": {name: (folder / name).stat().st_size for name in (MODEL, SMALL)},
        "int8_estimate_bytes": estimate,
        "int8_file_to_estimate": real / estimate,
        "int8_mean_cosine": float(_token_cosines(reference, folder / SMALL).mean()),
    }


def snippet(folder: str = "FOLDER", model: str = MODEL) -> str:
    """Python that runs the exported model; a test runs this very text."""
    return f'''import numpy as np
import onnxruntime
from tokenizers import Tokenizer

folder = "{folder}"
tokenizer = Tokenizer.from_file(f"{{folder}}/tokenizer.json")
session = onnxruntime.InferenceSession(f"{{folder}}/{model}")  # or {SMALL}
batch = tokenizer.encode_batch(["a red cup", "person wearing a hat"])
ids = np.array([prompt.ids for prompt in batch], dtype=np.int64)
mask = np.array([prompt.attention_mask for prompt in batch], dtype=np.int64)
tokens, pooled = session.run(None, {{"input_ids": ids, "attention_mask": mask}})'''


def session(path: Path, threads: int | None = None) -> Any:
    """An onnxruntime session on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def outputs(opened: Any, ids: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per-token [B, n, D] and pooled [B, D'] outputs of a session."""
    given = dict(zip(_INPUTS, (ids.astype(np.int64), mask.astype(np.int64)), strict=True))
    tokens, pooled = opened.run(list(_OUTPUTS), given)
    return tokens, pooled


def _check_installed() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"{NAME}: {', '.join(missing)} not installed; pip install 'prompt-anatomy[onnx]'"
        )


def _export(run: TrainedRun, path: Path) -> None:
    import torch

    student, pooling = _with_products(run.student), run.recipe.teacher.pooling

    class Deployed(torch.nn.Module):
        """The student with its pooling, as one graph."""

        def __init__(self) -> None:
            super().__init__()
            self.student = student

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            """int64 [B, n] twice -> per-token and pooled outputs."""
            mask = attention_mask.bool()
            tokens = self.student(input_ids, mask)
            return tokens, self.student.pooled(tokens, mask, pooling)

    ids = torch.full((2, run.context), student.pad_id)
    mask = torch.zeros(2, run.context, dtype=torch.long)
    mask[0, :2] = mask[1, :1] = 1
    free = {0: torch.export.Dim("batch", min=1, max=1 << 16)}
    if not student.padded and run.context > 2:
        free[1] = torch.export.Dim("length", min=1, max=run.context)
    try:
        program: Any = torch.onnx.export(
            Deployed().eval(),
            (ids, mask),
            dynamo=True,
            input_names=list(_INPUTS),
            output_names=list(_OUTPUTS),
            dynamic_shapes={name: dict(free) for name in _INPUTS},
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        kind = type(run.student.text_model).__name__
        reason = shown(str(error.__cause__ or error).strip().partition("\n")[0])[:120]
        raise InputError(
            f"{NAME}: torch {torch.__version__} cannot export {kind} ({reason}); export it --to "
            "transformers"
        ) from error
    _without_traces(program.model)
    program.save(str(path), external_data=False)


def _with_products(student: Student) -> Student:
    """The same student with RepMixer's pointwise convolutions as matrix products.

    They compute the same; onnxruntime quantises products, and of convolutions only some.
    """
    import torch

    class Pointwise(torch.nn.Module):
        """A convolution over one position at a time, [B, C, H, W] -> [B, C', H, W]."""

        def __init__(self, convolution: torch.nn.Conv2d) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(convolution.weight.detach()[:, :, 0, 0])
            self.bias = convolution.bias

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            """Along the channels."""
            mixed = torch.nn.functional.linear(hidden.movedim(1, -1), self.weight, self.bias)
            return mixed.movedim(-1, 1)

    student = copy.deepcopy(student)
    for module in list(student.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, torch.nn.Conv2d) and part.kernel_size == (
                1,
                1,
            ):  # groups, stride: 1
                setattr(module, name, Pointwise(part))
    return student


def _without_traces(model: Any) -> None:
    """Take out what the exporter notes of each node: stacks of calls, with this machine's paths."""
    model.metadata_props.clear()
    for graph in (model.graph, *model.functions.values()):
        graph.metadata_props.clear()
        for value in (*graph.inputs, *graph.outputs, *getattr(graph, "initializers", {}).values()):
            value.metadata_props.clear()
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()


def _quantise(source: Path, target: Path) -> None:
    """Weights of products and tables of embeddings in int8; all else stays float32."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


def _exact(run: TrainedRun, reference: Reference, path: Path) -> list[Comparison]:
    opened = session(path)
    tokens, pooled = outputs(opened, reference.ids, reference.mask)
    found = reference.compare("onnxruntime, float32", tokens, pooled)
    if run.student.padded:
        return found
    # One prompt at a time, none of them padded: batch and length are free.
    trimmed, alone = np.zeros_like(tokens), np.zeros_like(pooled)
    for row, length in enumerate(reference.mask.sum(axis=1)):
        ids = reference.ids[row : row + 1, :length]
        one, alone[row] = (given[0] for given in outputs(opened, ids, np.ones_like(ids)))
        trimmed[row, :length] = one
    return found + reference.compare("onnxruntime, float32, prompt by prompt", trimmed, alone)


def _token_cosines(reference: Reference, path: Path) -> np.ndarray:
    tokens, _ = outputs(session(path), reference.ids, reference.mask)
    return cosines(tokens[reference.mask], reference.tokens[reference.mask])


def _near(reference: Reference, path: Path) -> list[Comparison]:
    return [
        Comparison(
            what="per-token outputs, onnxruntime, int8",
            measure="lowest cosine",
            value=float(_token_cosines(reference, path).min()),
            tolerance=INT8_COSINE,
            prompts=len(reference.texts),
        )
    ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporters' own remarks kept from the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
