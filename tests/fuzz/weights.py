"""Weights, and what lies beside them: encoders, students, states of a training."""

from __future__ import annotations

import hashlib
import json
from functools import cache, partial

import numpy as np
import torch
from safetensors.torch import save as save_tensors

from anatomy.encoders import NoWeightsError
from anatomy.encoders.checkpoints import read_shapes, read_tensors, weight_files
from anatomy.encoders.transformers_models import load_transformers
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from distill import checkpoints
from distill.mobileclip import load_mobileclip
from distill.student_files import DESCRIPTION, WEIGHTS
from distill.students import Student
from distill.vocabulary import load as load_vocabulary
from distill.vocabulary import prune
from tests.distill import samples, test_mobileclip
from tests.encoders import tiny
from tests.fuzz import mutate
from tests.fuzz.target import BrokenError, Target, each, packed, put, refusing, scratch, unpacked

_PROMPTS = ["a red dog", "the cats", "xyz 猫 'q", ""]


def _torch_file(content: object) -> bytes:
    path = scratch() / "seed.pt"
    torch.save(content, path)
    return path.read_bytes()


def _small() -> dict[str, torch.Tensor]:
    return {"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3), "b": torch.ones(2).half()}


# Any checkpoint of tensors.


def _tensors(name: str, data: bytes) -> None:
    path = put(name, data)
    with refusing():
        shapes = read_shapes([path])
        tensors = read_tensors([path], [""])
        if {n: list(t.shape) for n, t in tensors.items()} != shapes:
            raise BrokenError("shapes are told that the tensors have not")


def _torch_seeds() -> list[bytes]:
    nested = {"state_dict": _small(), "epoch": 3}
    return [_torch_file(_small()), _torch_file(nested), _torch_file({"model": tiny.Bomb()})]


def _index(data: bytes) -> None:
    """Which files an index names: only those beside it."""
    path = put("sharded/model.safetensors.index.json", data)
    (path.parent / "part.safetensors").touch()
    with refusing():
        for file in weight_files(path.parent):
            if file != path.parent / "part.safetensors":
                raise BrokenError(f"{file} is read")


# An encoder of the transformers library.


@cache
def _folders() -> list[bytes]:
    seeds = []
    for name, module in (
        ("bert", tiny.save_bert(scratch() / "seeds" / "small-bert", num_hidden_layers=1)),
        ("t5", tiny.MODELS["t5"]()),
        ("gpt2", tiny.MODELS["gpt2"]()),
    ):
        folder = scratch() / "seeds" / name
        module.eval().save_pretrained(folder)
        weights = (folder / "model.safetensors").read_bytes()
        pooling = json.dumps({"pooling_mode_mean_tokens": True, "word_embedding_dimension": 32})
        seeds.append(packed((folder / "config.json").read_bytes(), pooling.encode(), weights))
    return seeds


def _transformers(data: bytes) -> None:
    config, pooling, weights = unpacked(data, 3)
    put("encoder/1_Pooling/config.json", pooling)
    put("encoder/model.safetensors", weights)
    folder = put("encoder/config.json", config).parent
    try:
        with refusing():
            model = load_transformers(folder, None, "cpu", "float32")
            if model.token_embedding.ndim != 2:
                raise BrokenError("no table of tokens")
    except NoWeightsError as error:
        if not str(error).isprintable():
            raise BrokenError(f"no printable line: {error!s:.200}") from error


# Tokenizers.


@cache
def _tokenizer() -> bytes:
    tiny.save_tokenizer(scratch() / "seeds" / "tokenizer")
    return (scratch() / "seeds" / "tokenizer" / "tokenizer.json").read_bytes()


def _tokenizers(data: bytes) -> None:
    with refusing():
        found = HuggingFaceTokenizer.of_json("x", data, "tokenizer.json", None)
        cleaned, table = found.clean_and_encode(_PROMPTS)
        if len(cleaned) != len(table) or (
            len(table.ids) and table.ids.max() >= found.vocabulary_size
        ):
            raise BrokenError("ids that are in no vocabulary")
        found.text_of(0)


@cache
def _vocabularies() -> list[bytes]:
    whole = HuggingFaceTokenizer.of_json("x", _tokenizer(), "tokenizer.json", 24)
    folder = scratch() / "seeds" / "vocabulary"
    folder.mkdir(parents=True)
    prune(whole, [5, 8]).save(folder)
    described = json.loads((folder / "vocabulary.json").read_bytes())
    data = (folder / "tokenizer.json").read_bytes()
    runs = ["0-9,9-0", "0-99999999999,99999999999-0", "5-3", "99999999999999999999", "3,3", "1-2-3"]
    others = [json.dumps(described | {"kept": kept}).encode() for kept in runs]
    return [
        packed(json.dumps(described).encode(), data),
        *(packed(other, data) for other in others),
    ]


def _vocabulary(data: bytes) -> None:
    described, tokenizer = unpacked(data, 2)
    put("vocabulary/tokenizer.json", tokenizer)
    folder = put("vocabulary/vocabulary.json", described).parent
    if b'"clip"' in described:
        return  # which makes CLIP's tables anew, a second each time
    with refusing():
        found = load_vocabulary(folder)
        fine = isinstance(found.name, str) and 0 <= found.pad_id < found.vocabulary_size
        if not fine or not (found.context is None or found.context > 0):
            raise BrokenError(f"no tokenizer: {found.name!r} {found.pad_id} {found.context}")
        if (np.diff(found.kept) <= 0).any() or len(found.new_ids) != found.kept[-1] + 1:
            raise BrokenError("kept ids that do not ascend")
        found.encode(_PROMPTS)


# Students.


def _saved(student: Student) -> bytes:
    folder = scratch() / "seeds" / "student"
    student.save(folder)
    described = json.loads((folder / DESCRIPTION).read_bytes()) | {"weights_sha256": "fits"}
    return packed(json.dumps(described).encode(), (folder / WEIGHTS).read_bytes())


@cache
def _students() -> list[bytes]:
    from tests.distill.test_student_files import shallow_bert

    return [
        _saved(samples.small(hidden_layers=2)),
        _saved(samples.small(repmixer=True)),
        _saved(shallow_bert(scratch() / "seeds" / "teacher")),
    ]


def _student(data: bytes) -> None:
    described, weights = unpacked(data, 2)
    put(f"student/{WEIGHTS}", weights)
    digest = hashlib.sha256(weights).hexdigest().encode()
    folder = put(f"student/{DESCRIPTION}", described.replace(b'"fits"', b'"%b"' % digest)).parent
    with refusing():
        student = Student.load(folder)
        ids = torch.zeros(1, min(student.recipe.context, 7), dtype=torch.long)
        with torch.inference_mode():
            student(ids, torch.ones_like(ids, dtype=torch.bool))


@cache
def _trained() -> tuple[Student, torch.optim.Optimizer]:
    student = samples.small(hidden_layers=1)
    return student, torch.optim.AdamW(student.parameters())


@cache
def _states() -> list[bytes]:
    student, optimizer = _trained()
    for parameter in student.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    folder = scratch() / "seeds" / "states"
    folder.mkdir(parents=True)
    state = {"seconds": 1.5, "generator": [1, 2]}
    path = checkpoints.save(folder, "key", 7, student, optimizer, state)
    return [path.read_bytes()]


def _state(data: bytes) -> None:
    student, optimizer = _trained()
    folder = put("states/step-000000007.safetensors", data).parent
    with refusing():
        found = checkpoints.latest(folder, "key")
        if found is None:
            return
        if not isinstance(found.state, dict) or found.step < 0:
            raise BrokenError(f"no state: step {found.step}, {found.state!r:.80}")
        found.restore(student, optimizer)


@cache
def _mobileclips() -> list[bytes]:
    small, _ = test_mobileclip.apple(layers=2, repmixer=False)
    repmixer, _ = test_mobileclip.apple()
    return [save_tensors(small), save_tensors(repmixer)]


@cache
def _clip_student(*, repmixer: bool) -> Student:
    layers = 3 if repmixer else 2
    kept = len(test_mobileclip.KEPT)
    return test_mobileclip.student_of(vocabulary=kept, layers=layers, repmixer=repmixer)


def _mobileclip(name: str, data: bytes) -> None:
    path = put(name, data)
    for repmixer in (False, True):
        with refusing():
            load_mobileclip(_clip_student(repmixer=repmixer), path, test_mobileclip.KEPT, None)


def _mobileclip_torch() -> list[bytes]:
    small, _ = test_mobileclip.apple(layers=2, repmixer=False)
    return [_torch_file({"state_dict": small, "epoch": 3})]


TARGETS = [
    Target(
        "tensors-safetensors",
        partial(_tensors, "x.safetensors"),
        lambda: [save_tensors(_small()), save_tensors(_small(), metadata={"format": "pt"})],
        mutate.header,
    ),
    Target("tensors-torch", partial(_tensors, "x.pt"), _torch_seeds, mutate.repacked, 60),
    Target(
        "weights-index",
        _index,
        lambda: [
            json.dumps({"weight_map": {"a": "part.safetensors", "b": "part.safetensors"}}).encode()
        ],
        mutate.document,
    ),
    Target(
        "encoder-folder",
        _transformers,
        _folders,
        each(mutate.document, mutate.document, mutate.header),
        20,
    ),
    Target("tokenizer-json", _tokenizers, lambda: [_tokenizer()], mutate.document, 100),
    Target("vocabulary", _vocabulary, _vocabularies, each(mutate.document, mutate.document), 100),
    Target("student", _student, _students, each(mutate.document, mutate.header), 20),
    Target("checkpoint", _state, _states, mutate.header, 60),
    Target("mobileclip", partial(_mobileclip, "m.safetensors"), _mobileclips, mutate.header, 30),
    Target(
        "mobileclip-torch", partial(_mobileclip, "m.pt"), _mobileclip_torch, mutate.repacked, 15
    ),
]
