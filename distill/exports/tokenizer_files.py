"""The student's tokenizer as transformers and the tokenizers library open it.

transformers' `Sam3Processor` pads to 32 tokens and cuts nothing: a shorter table of positions would
be stretched over them without a word. So the files themselves carry what the student needs: L, that
longer prompts are cut with the last id made end of text, the id that pads, and a mask.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anatomy.files import write_whole
from anatomy.tokens.ragged import truncate
from distill.exports.compare import UNCLEAN, Reference
from distill.exports.record import Comparison

if TYPE_CHECKING:
    from distill.exports.trained import TrainedRun

JSON, CONFIG = "tokenizer.json", "tokenizer_config.json"


def write_tokenizer(run: TrainedRun, folder: Path, *, fixed: bool, processor: bool = False) -> None:
    """Write tokenizer.json and tokenizer_config.json.

    Parameters
    ----------
    run : TrainedRun
    folder : Path
    fixed : bool
        Pad every prompt to L; else to the longest of its batch.
    processor : bool
        Cut and pad when a processor of transformers calls it without saying so.
    """
    tokenizer, context = run.tokenizer, run.context
    content = json.loads(tokenizer.json)
    pad = _text(content, tokenizer.pad_id)
    content["truncation"] = {
        "direction": "Right",
        "max_length": context,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    content["padding"] = {
        "strategy": {"Fixed": context} if fixed else "BatchLongest",
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": tokenizer.pad_id,
        "pad_type_id": 0,
        "pad_token": pad,
    }
    config: dict[str, Any] = {
        # Reads tokenizer.json as it is; other classes make their own from its vocabulary.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        "pad_token": pad,
    }
    if content["model"].get("unk_token"):
        config["unk_token"] = content["model"]["unk_token"]
    is_wordpiece = content["model"].get("type") == "WordPiece"
    names = ("cls_token", "sep_token") if is_wordpiece else ("bos_token", "eos_token")
    around = tokenizer.encode(["a"]).ids
    for name, number in zip(names, (int(around[0]), int(around[-1])), strict=True):
        if number in tokenizer.special_ids:
            config[name] = _text(content, number)
    if processor:
        config |= {"padding": "max_length", "truncation": True, "max_length": context}
    write_whole(folder / JSON, json.dumps(content, ensure_ascii=False).encode())
    write_whole(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode())


def open_tokenizer(folder: Path) -> Any:
    """The tokenizer of an export, as transformers opens it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def check_tokenizer(
    run: TrainedRun, reference: Reference, folder: Path
) -> tuple[list[Comparison], dict[str, Any]]:
    """Compare ids, mask and end with the run's, in both libraries; and see what cleaning misses."""
    from tokenizers import Tokenizer

    texts = list(reference.texts)
    batch = open_tokenizer(folder)(
        texts, padding="max_length", truncation=True, return_tensors="np"
    )
    plain = Tokenizer.from_file(str(folder / JSON))
    plain.enable_padding(**{**(plain.padding or {}), "length": run.context})
    encodings = plain.encode_batch(texts)
    found = []
    for library, ids, mask in (
        ("transformers", batch["input_ids"], batch["attention_mask"]),
        ("tokenizers", [e.ids for e in encodings], [e.attention_mask for e in encodings]),
    ):
        differ = len(texts)
        if np.shape(ids) == reference.ids.shape:
            other = (np.asarray(ids) != reference.ids) | (np.asarray(mask) != reference.mask)
            differ = int(other.any(axis=1).sum())
        found.append(
            Comparison(
                what=f"ids and mask of the tokenizer, {library}",
                measure="rows of ids that differ",
                value=differ,
                tolerance=0,
                prompts=len(texts),
            )
        )
    plain.no_padding()
    own = truncate(run.tokenizer.encode(list(UNCLEAN)), run.context, run.tokenizer.special_ids)
    theirs = [encoding.ids for encoding in plain.encode_batch(list(UNCLEAN))]
    rows = np.split(own.ids, own.offsets[1:-1])
    same = sum(ids == row.tolist() for ids, row in zip(theirs, rows, strict=True))
    return found, {
        "longest_prompt_tokens": int(reference.lengths.max()),
        "longest_prompt_tokens_after_the_cut": int(reference.mask.sum(axis=1).max()),
        "prompts_that_need_mending": {"prompts": len(UNCLEAN), "same_ids": same},
    }


def _text(content: dict[str, Any], number: int) -> str:
    """A token's own spelling in tokenizer.json."""
    for token in content.get("added_tokens") or []:
        if token["id"] == number:
            return str(token["content"])
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, list):  # a Unigram's: (token, score) by id
        return str(vocabulary[number][0])
    return next(str(token) for token, at in vocabulary.items() if at == number)
