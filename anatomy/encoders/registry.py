"""Encoders by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from anatomy.errors import InputError
from anatomy.files import shown
from anatomy.tokens.clip import ClipTokenizer
from anatomy.tokens.huggingface import HuggingFaceTokenizer
from anatomy.tokens.table import TokenTable

NAMES = ("sam3", "hf:ID|DIR")


class Tokenizer(Protocol):
    """What the audit needs of a tokenizer; see `ClipTokenizer` for the meanings."""

    name: str
    vocabulary_size: int
    special_ids: tuple[int, ...]
    context: int | None
    description: str

    def encode(self, prompts: pa.LargeStringArray | Sequence[str]) -> TokenTable:
        """Token ids."""

    def clean_and_encode(
        self, prompts: pa.LargeStringArray | Sequence[str]
    ) -> tuple[pa.LargeStringArray, TokenTable]:
        """Cleaned prompts, and their token ids."""

    def text_of(self, number: int) -> str:
        """The text of a token."""


@dataclass(frozen=True)
class Encoder:
    """A text encoder: its tokenizer, and why its weights are not measured."""

    name: str
    tokenizer: Tokenizer
    weights: str


def resolve(names: Sequence[str]) -> tuple[Encoder, ...]:
    """The encoders of these names: ``sam3``, ``hf:ORGANISATION/MODEL`` or ``hf:FOLDER``.

    Raises
    ------
    InputError
        For an unknown name, a name given twice, or a tokenizer that cannot be had.
    """
    for at, name in enumerate(names):
        if name in names[:at]:
            raise InputError(f"--encoder: {shown(name)} is named twice; name each encoder once")
    return tuple(_resolve(name) for name in names)


def _resolve(name: str) -> Encoder:
    if name.startswith("hf:"):
        tokenizer: Tokenizer = HuggingFaceTokenizer(name, name.removeprefix("hf:"))
    elif name == "sam3":
        tokenizer = ClipTokenizer(name)
    else:
        nearest = difflib.get_close_matches(name, ["sam3", "hf:"], n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise InputError(
            f"--encoder: no encoder is called {shown(name)}; {hint}known: {', '.join(NAMES)}"
        )
    return Encoder(
        name=name,
        tokenizer=tokenizer,
        weights="not measured: this version audits tokens; it does not read encoder weights yet",
    )
