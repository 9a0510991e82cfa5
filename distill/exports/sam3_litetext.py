"""A complete `Sam3LiteTextModel`: a SAM3 snapshot's detector with the student in its text path.

Every tensor of the detector goes over as it is, a few at a time: no more than one file of the
export is held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anatomy.encoders.checkpoints import (
    check_config,
    read_json,
    read_shapes,
    refused,
    weight_files,
)
from anatomy.encoders.sam3 import HUB_ID
from anatomy.errors import InputError
from anatomy.files import shown, write_whole
from distill.exports.compare import Reference, check
from distill.exports.loading import from_folder
from distill.exports.model_card import write_card
from distill.exports.record import Comparison
from distill.exports.tokenizer_files import check_tokenizer, write_tokenizer
from distill.exports.transformers_folder import published

if TYPE_CHECKING:
    from torch import Tensor

    from distill.exports.trained import TrainedRun

NAME = "sam3-litetext"
_SHARD = 1 << 29  # bytes of a file of the export, and so of what is held in memory
_DETECTOR = "detector_model."  # before the detector's names in a video model
_OTHERS = ("tracker_model.", "tracker_neck.")  # of a video model, which the class has no place for
_TEXT = ("text_encoder.", "text_projection.")
_PARTS = ("geometry_encoder", "detr_encoder", "detr_decoder", "mask_decoder")
_PROCESSORS = ("processor_config.json", "preprocessor_config.json")


def write(
    run: TrainedRun, reference: Reference, folder: Path, target: Path, sam3: Path | None
) -> tuple[list[Comparison], dict[str, Any]]:
    """Write the folder and load it back.

    Parameters
    ----------
    run : TrainedRun
    reference : Reference
    folder : Path
    target : Path
        Names the place in messages.
    sam3 : Path or None
        A snapshot folder of facebook/sam3.

    Raises
    ------
    InputError
        If the student does not fit the detector, the snapshot is none, or what is loaded back is
        not the student.
    """
    _check_student(run)
    if sam3 is None:
        raise InputError(f"{NAME}: is made of SAM3 and the student; give --sam3 FOLDER ({HUB_ID})")
    config = _detector(sam3)
    files = weight_files(sam3)
    if not files or any(path.suffix != ".safetensors" for path in files):
        raise InputError(f"{shown(sam3)}: has no model.safetensors; get all of {HUB_ID}")
    check_config(config, sam3 / "config.json", len(read_shapes(files)))
    width = config.get("detr_encoder_config", {}).get("hidden_size", 256)
    if width != run.student.width:
        raise InputError(
            f"{NAME}: the detector of {shown(sam3)} takes {width} numbers a token, and the student "
            f"gives {run.student.width}; train one with this SAM3 as the teacher"
        )
    _write_config(run, config, folder)
    _write_tensors(_tensors(run, files), folder)
    _write_processors(run, sam3, folder)
    write_tokenizer(run, folder, fixed=True, processor=True)
    with refused(sam3 / "config.json"):  # transformers reads it to open the tokenizer
        found, measured = check_tokenizer(run, reference, folder)
    found += _loaded_back(reference, folder)
    check(found, target, NAME)
    padding = (
        f"Prompts must be padded to {run.context} tokens. `AutoProcessor` gives a `CLIPProcessor` "
        "that does so and cuts longer ones; transformers' `Sam3Processor` pads to 32 and cuts "
        "nothing, and the class would stretch its positions over them without a word."
    )
    only = "Of the snapshot only the detector is in here; video models' trackers are left out; the "
    only += "image processor needs torchvision."
    notes = [padding, only]
    write_card(run, folder, "a whole detector for transformers", snippet(), found, notes)
    return found, measured


def snippet(folder: str = "FOLDER") -> str:
    """Python that segments an image."""
    return f'''import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

folder = "{folder}"
processor = AutoProcessor.from_pretrained(folder)
model = AutoModel.from_pretrained(folder).eval()
image = Image.open("image.jpg").convert("RGB")
inputs = processor(images=image, text="a red cup", return_tensors="pt")
keep = ("pixel_values", "input_ids", "attention_mask")
with torch.inference_mode():
    outputs = model(**{{name: inputs[name] for name in keep}})
found = processor.image_processor.post_process_instance_segmentation(
    outputs, threshold=0.5, target_sizes=[image.size[::-1]]
)[0]'''


def _check_student(run: TrainedRun) -> None:
    if run.student.recipe.kind != "litetext":
        raise InputError(
            f"{NAME}: its text encoder is MobileCLIP's, and {run.student.recipe.name} is made of "
            "its teacher's layers; export it --to transformers,onnx"
        )
    if not run.is_clip:
        raise InputError(
            f"{NAME}: the student's teacher is {shown(run.teacher)}, not SAM3, "
            "whose detector would not understand its outputs; export it --to transformers,onnx"
        )


def _detector(sam3: Path) -> dict[str, Any]:
    """The detector's configuration in a snapshot."""
    path = sam3 / "config.json"
    config = read_json(path)
    detector = config.get("detector_config") or config
    if not isinstance(detector, dict) or not isinstance(detector.get("text_config"), dict):
        raise InputError(f"{shown(path)}: has no text_config; give a folder of {HUB_ID}")
    for part in ("vision_config", "detr_encoder_config"):
        if not isinstance(detector.get(part, {}), dict):
            raise InputError(f"{shown(path)}: its {part} is none; give a folder of {HUB_ID}")
    backbone = detector.get("vision_config", {}).get("backbone_config") or {}
    if not isinstance(backbone, dict):
        raise InputError(f"{shown(path)}: its backbone_config is none; give a folder of {HUB_ID}")
    return detector


def _write_config(run: TrainedRun, detector: Mapping[str, Any], folder: Path) -> None:
    config = dict(detector)
    config["model_type"] = "sam3_lite_text"
    config["architectures"] = ["Sam3LiteTextModel"]
    config["text_config"] = run.student.text_model.config.to_dict()
    for part in _PARTS:
        given = config.get(f"{part}_config")
        if isinstance(given, dict):
            config[f"{part}_config"] = given | {"model_type": f"sam3_lite_text_{part}"}
    text = json.dumps(config, indent=1)
    write_whole(folder / "config.json", f"{text}\n".encode())


def _tensors(run: TrainedRun, files: list[Path]) -> Iterator[tuple[str, Tensor]]:
    """The export's tensors one after the other: the detector's as they are, then the student's."""
    from safetensors import safe_open

    for path in files:
        with refused(path), safe_open(path, framework="pt") as file:
            for there in file.keys():  # noqa: SIM118 (no mapping)
                name = there.removeprefix(_DETECTOR)
                if not there.startswith(_OTHERS) and not name.startswith(_TEXT):
                    yield name, file.get_tensor(there)
    for name, tensor in published(run).state_dict().items():
        yield f"text_encoder.{name}", tensor.contiguous()
    for name, tensor in run.student.projector.state_dict().items():
        yield f"text_projection.{name}", tensor.contiguous()


def _write_tensors(tensors: Iterator[tuple[str, Tensor]], folder: Path) -> None:
    """Files of at most `_SHARD` bytes (or one tensor), and the index that names them."""
    from safetensors.torch import save_file

    where: dict[str, str] = {}
    held: dict[str, Tensor] = {}
    total = size = files = 0

    def put() -> None:
        nonlocal held, size, files
        files += 1
        name = f"model-{files:05d}.safetensors"
        save_file(held, folder / name, metadata={"format": "pt"})
        where.update(dict.fromkeys(held, name))
        held, size = {}, 0

    for name, tensor in tensors:
        if held and size + tensor.nbytes > _SHARD:
            put()
        held[name] = tensor
        size += tensor.nbytes
        total += tensor.nbytes
    put()
    index = {"metadata": {"total_size": total}, "weight_map": where}
    text = json.dumps(index, indent=1)
    write_whole(folder / "model.safetensors.index.json", f"{text}\n".encode())


def _write_processors(run: TrainedRun, sam3: Path, folder: Path) -> None:
    """The snapshot's image processor, under a class that asks the tokenizer how to cut and pad."""
    image: dict[str, Any] | None = None
    for name in _PROCESSORS:
        if image is None and (sam3 / name).is_file():
            content = read_json(sam3 / name)
            nested = content.get("image_processor")
            if isinstance(nested, dict):
                image = nested
            elif "image_processor_type" in content or "size" in content:
                image = content
    size = _detector(sam3).get("vision_config", {}).get("backbone_config") or {}
    if image is None:  # what Sam3ImageProcessor does unless told, at this model's size
        side = size.get("image_size", 1008)
        image = {"size": {"height": side, "width": side}}
    image = {name: value for name, value in image.items() if name not in ("processor_class",)}
    image |= {"image_processor_type": "Sam3ImageProcessor"}
    both = {"processor_class": "CLIPProcessor", "image_processor": image}
    write_whole(folder / _PROCESSORS[0], (json.dumps(both, indent=1) + "\n").encode())


def _loaded_back(reference: Reference, folder: Path) -> list[Comparison]:
    import torch
    import transformers

    model = from_folder(transformers.Sam3LiteTextModel, folder)
    lengths: list[int] = []
    table = model.text_encoder.embeddings.position_embedding
    hook = table.register_forward_pre_hook(lambda _, given: lengths.append(int(given[0])))
    with torch.inference_mode():
        ids, mask = torch.from_numpy(reference.ids), torch.from_numpy(reference.mask)
        found = model.get_text_features(input_ids=ids, attention_mask=mask.long()).pooler_output
    hook.remove()
    if set(lengths) != {table.position_embedding.shape[2]}:
        raise InputError(f"{NAME}: prompts of {lengths} tokens reached the table of positions")
    return reference.compare("Sam3LiteTextModel.get_text_features", found.float().numpy())
