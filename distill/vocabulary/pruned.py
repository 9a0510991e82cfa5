"""A tokenizer with the tokens that are left, which numbers them anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anatomy.encoders.registry import Tokenizer
from anatomy.errors import InputError
from anatomy.files import shown, write_whole
from anatomy.findings import from_ranges, ranges
from anatomy.findings.runs import ascending, parse, size
from anatomy.tokens.bpe import BYTES, BytePairEncoder
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from anatomy.tokens.table import TokenTable
from distill.recipe import told
from distill.vocabulary.merges import closed
from distill.vocabulary.tokenizer_json import completion, pruned_json

FILE_NAME = "vocabulary.json"
_JSON = "tokenizer.json"
_LARGEST_ID = 10_000_000
_START, _END = "<|startoftext|>", "<|endoftext|>"  # as transformers spells CLIP's specials


class _Description(BaseModel):
    """What vocabulary.json holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["clip", "json"]
    kept: str = Field(description="The teacher's ids, as ranges")
    pad_id: int = Field(ge=0)
    context: int | None = Field(ge=1)


@dataclass(frozen=True)
class PrunedTokenizer:
    """A teacher's tokenizer with a part of its vocabulary; itself a `Tokenizer`.

    Attributes
    ----------
    inner : Tokenizer
        Encodes with the new ids.
    kept : ndarray of int64, shape [U], ascending
        ``kept[new]`` is the teacher's id of the token `new`.
    pad_id : int
        New id of the token that pads: the one that the teacher's deployed tokenizer pads with.
    """

    inner: ClipTokenizer | HuggingFaceTokenizer
    kept: np.ndarray
    pad_id: int

    @property
    def name(self) -> str:
        """The teacher's."""
        return self.inner.name

    @property
    def vocabulary_size(self) -> int:
        """Tokens that are left."""
        return len(self.kept)

    @property
    def special_ids(self) -> tuple[int, ...]:
        """New ids of the tokens around a prompt."""
        return self.inner.special_ids

    @property
    def context(self) -> int | None:
        """The teacher's."""
        return self.inner.context

    @property
    def description(self) -> str:
        """The inner tokenizer's."""
        return self.inner.description

    def encode(self, prompts: pa.LargeStringArray | Sequence[str]) -> TokenTable:
        """Token ids, new ones."""
        return self.inner.encode(prompts)

    def clean_and_encode(
        self, prompts: pa.LargeStringArray | Sequence[str]
    ) -> tuple[pa.LargeStringArray, TokenTable]:
        """Cleaned prompts, and their token ids."""
        return self.inner.clean_and_encode(prompts)

    def ends(self, prompts: pa.LargeStringArray | Sequence[str]) -> np.ndarray:
        """Where each token ends in its prompt; see the inner tokenizer's."""
        return self.inner.ends(prompts)

    def text_of(self, number: int) -> str:
        """The text of a token."""
        return self.inner.text_of(number)

    @cached_property
    def json(self) -> bytes:
        """A tokenizer.json for transformers and the tokenizers library.

        It gives the same ids for text that the teacher's own cleaning leaves alone.
        """
        if isinstance(self.inner, ClipTokenizer):
            return _clip_json(self.inner.bpe)
        return self.inner.json

    @property
    def new_ids(self) -> np.ndarray:
        """New id of each of the teacher's tokens up to the last kept one; -1 where it is gone."""
        table = np.full(int(self.kept[-1]) + 1, -1, dtype=np.int64)
        table[self.kept] = np.arange(len(self.kept))
        return table

    def save(self, folder: Path) -> None:
        """Write tokenizer.json, and what `load` needs."""
        clip = isinstance(self.inner, ClipTokenizer)
        description = _Description(
            name=self.name,
            kind="clip" if clip else "json",
            kept=ranges(self.kept.tolist()),
            pad_id=self.pad_id,
            context=self.context,
        )
        text = json.dumps(description.model_dump(), indent=1) + "\n"
        write_whole(folder / _JSON, self.json)
        write_whole(folder / FILE_NAME, text.encode())


def needed_with(tokenizer: Tokenizer) -> Callable[[Iterable[int]], set[int]]:
    """A function of kept tokens that gives them with those that the tokenizer needs besides.

    Raises
    ------
    InputError
        For a tokenizer that is not pruned here; the message says how to go on.
    """
    if isinstance(tokenizer, ClipTokenizer):
        halves = tokenizer.bpe.halves
        bare = [*range(BYTES), *tokenizer.special_ids]
        return lambda kept: closed(map(int, kept), halves, bare)
    if isinstance(tokenizer, HuggingFaceTokenizer):
        complete = completion(json.loads(tokenizer.json), shown(tokenizer.name))
        return lambda kept: complete(_wanted(tokenizer, kept))
    raise _not_pruned(tokenizer)


def prune(tokenizer: Tokenizer, kept: Iterable[int]) -> PrunedTokenizer:
    """The tokenizer with these tokens and those it needs besides.

    Parameters
    ----------
    tokenizer : Tokenizer
        `ClipTokenizer` or `HuggingFaceTokenizer` (BPE, WordPiece).
    kept : iterable of int
        The teacher's ids, as `choose` gives them.

    Raises
    ------
    InputError
        See `needed_with`.
    """
    if isinstance(tokenizer, ClipTokenizer):
        return _clip(tokenizer, sorted(needed_with(tokenizer)(kept)))
    if isinstance(tokenizer, HuggingFaceTokenizer):
        data, left = pruned_json(tokenizer.json, _wanted(tokenizer, kept), shown(tokenizer.name))
        pad_id = left.index(tokenizer.pad_id)
        return _of_json(tokenizer, data, np.array(left, dtype=np.int64), pad_id)
    raise _not_pruned(tokenizer)


def _not_pruned(tokenizer: Tokenizer) -> InputError:
    return InputError(
        f"{shown(tokenizer.name)}: its vocabulary cannot be pruned; --set vocabulary.keep=all"
    )


def _wanted(tokenizer: HuggingFaceTokenizer, kept: Iterable[int]) -> set[int]:
    return {*map(int, kept), *tokenizer.special_ids, tokenizer.pad_id}


def identity(tokenizer: Tokenizer) -> PrunedTokenizer:
    """The tokenizer with all of its tokens, in the same form."""
    if isinstance(tokenizer, ClipTokenizer):
        return prune(tokenizer, range(tokenizer.vocabulary_size))
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        raise InputError(f"{shown(tokenizer.name)}: has no tokenizer.json to go with a student")
    kept = np.arange(tokenizer.vocabulary_size, dtype=np.int64)
    return _of_json(tokenizer, tokenizer.json, kept, tokenizer.pad_id)


def load(folder: Path) -> PrunedTokenizer:
    """What `save` wrote.

    Raises
    ------
    InputError
        If it is not there or was changed.
    """
    path = folder / FILE_NAME
    try:
        content = _Description.model_validate_json(path.read_bytes())
        data = (folder / _JSON).read_bytes()
        runs = parse(content.kept)
        # Before they are listed; each takes a byte there, at the least.
        if not ascending(runs, _LARGEST_ID) or size(runs) > len(data):
            raise ValueError("kept are no ids that its tokenizer.json can hold")
        kept = np.array(from_ranges(content.kept), dtype=np.int64)
    except (OSError, ValueError) as error:
        reason = told(error) if isinstance(error, ValidationError) else shown(error)
        raise InputError(
            f"{shown(folder)}: holds no tokenizer of a student ({reason[:80]}); train again"
        ) from error
    if content.kind == "clip":
        found = prune(ClipTokenizer(content.name), kept.tolist())
        found.inner.context = content.context
    else:
        where = shown(folder / _JSON)
        inner = HuggingFaceTokenizer.of_json(content.name, data, where, content.context)
        found = PrunedTokenizer(inner, kept, content.pad_id)
    whole = np.array_equal(found.kept, kept) and found.inner.vocabulary_size == len(kept)
    if not whole or found.pad_id >= len(kept):
        raise InputError(f"{shown(path)}: does not fit the tokenizer.json beside it; train again")
    return found


def _of_json(
    tokenizer: HuggingFaceTokenizer, data: bytes, kept: np.ndarray, pad_id: int
) -> PrunedTokenizer:
    name = shown(tokenizer.name)
    inner = HuggingFaceTokenizer.of_json(
        tokenizer.name, data, f"{name}, {_JSON}", tokenizer.context
    )
    if inner.vocabulary_size != len(kept):
        raise InputError(
            f"{name}: its ids leave gaps ({inner.vocabulary_size:,} ids, {len(kept):,} tokens), so "
            "its vocabulary cannot be numbered anew; --set vocabulary.keep=all"
        )
    return PrunedTokenizer(inner, kept, pad_id)


def _clip(tokenizer: ClipTokenizer, left: Sequence[int]) -> PrunedTokenizer:
    """CLIP's merges that make these tokens; bytes come first and specials last, as they were."""
    whole = tokenizer.bpe
    merges = [whole.merges[number - BYTES] for number in left if number in whole.halves]
    smaller = ClipTokenizer(tokenizer.name, BytePairEncoder(merges))
    smaller.context = tokenizer.context
    smaller.description = (
        f"{tokenizer.description}; {len(merges):,} of its {len(whole.merges):,} merges"
    )
    return PrunedTokenizer(smaller, np.array(left, dtype=np.int64), smaller.bpe.end_id)


def _clip_json(bpe: BytePairEncoder) -> bytes:
    """transformers' CLIP tokenizer with these merges, as a tokenizer.json.

    It pads with the end of text. Its own cleaning lacks ftfy and HTML's entities; on what SAM3's
    cleaning leaves alone both give the same ids.
    """
    from transformers import CLIPTokenizer

    vocabulary = {symbol: number for number, symbol in enumerate(bpe.symbols[:-2])}
    vocabulary |= {_START: bpe.start_id, _END: bpe.end_id}
    fast: Any = CLIPTokenizer(vocab=vocabulary, merges=list(bpe.merges))  # type: ignore[arg-type]
    text: str = fast.backend_tokenizer.to_str()
    return text.encode("utf-8")
