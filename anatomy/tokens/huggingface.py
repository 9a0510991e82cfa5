"""Any Hugging Face fast tokenizer, through the `tokenizers` library."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from anatomy.errors import InputError
from anatomy.fetch.hub import check_repository, quiet
from anatomy.fetch.hub_errors import Asked, explained
from anatomy.files import shown
from anatomy.tokens.table import TokenTable, offsets_of

_FILE = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_SENTENCES = "sentence_bert_config.json"
_LARGEST_VOCABULARY = 10_000_000
_PAD_TOKENS = ("[PAD]", "<pad>", "<|endoftext|>")  # BERT's, RoBERTa's and T5's, CLIP's
_BLOCK = 1 << 15  # prompts whose encodings are held as objects at a time


class HuggingFaceTokenizer:
    """The tokenizer.json of a hub repository or of a local folder, without truncation or padding.

    Attributes
    ----------
    name : str
    json : bytes
        The tokenizer.json.
    vocabulary_size : int
    special_ids : tuple of int
        The tokens that the tokenizer adds around an empty prompt.
    context : int or None
        `model_max_length` of tokenizer_config.json, or a lower `max_seq_length` of
        sentence_bert_config.json, where one stands there.
    description : str
        Kind of model, with the hash of tokenizer.json.
    """

    def __init__(self, name: str, place: str) -> None:
        path = _locate(place)
        self._read(name, path.read_bytes(), shown(path), _context(path.with_name(_CONFIG)))

    @classmethod
    def of_json(cls, name: str, data: bytes, where: str, context: int | None) -> Self:
        """A tokenizer from the bytes of a tokenizer.json; `where` names it in messages."""
        tokenizer = cls.__new__(cls)
        tokenizer._read(name, data, where, context)
        return tokenizer

    def _read(self, name: str, data: bytes, where: str, context: int | None) -> None:
        self.name = name
        self.json = data
        self.context = context
        self._where = where
        with self._guarded("is no tokenizer.json that the tokenizers library reads"):
            self._tokenizer = Tokenizer.from_buffer(data)
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
            self.special_ids: tuple[int, ...] = tuple(self._tokenizer.encode("").ids)
        ids = self._tokenizer.get_vocab(with_added_tokens=True).values()
        self.vocabulary_size = max(ids, default=-1) + 1
        if not 0 < self.vocabulary_size <= _LARGEST_VOCABULARY:
            raise InputError(
                f"{self._where}: its ids go up to {self.vocabulary_size - 1:,}, which is no "
                f"vocabulary of 1 to {_LARGEST_VOCABULARY:,} tokens"
            )
        if max(self.special_ids, default=0) >= self.vocabulary_size:
            raise InputError(
                f"{self._where}: puts ids around a prompt that its vocabulary does not have; get "
                "the file again"
            )
        kind = type(self._tokenizer.model).__name__
        self.description = f"{kind} from {_FILE}, sha256 {hashlib.sha256(data).hexdigest()}"

    @contextlib.contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """The library's exceptions, bare ones and panics among them, as one line."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # a panic is no Exception
            reason = shown(" ".join(str(error).split()))[:200]
            raise InputError(f"{self._where}: {what} ({reason})") from error

    def clean(self, prompts: pa.LargeStringArray | Sequence[str]) -> pa.LargeStringArray:
        """The prompts as the tokenizer's own normalizer leaves them."""
        normalizer = self._tokenizer.normalizer
        if normalizer is None:
            return pa.array(prompts, pa.large_string())
        with self._guarded("its normalizer fails on these prompts"):
            cleaned = [normalizer.normalize_str(text) for text in _strings(prompts)]
        return pa.array(cleaned, pa.large_string())

    def encode(self, prompts: pa.LargeStringArray | Sequence[str]) -> TokenTable:
        """Token ids of N prompts, special tokens included."""
        strings = _strings(prompts)
        dtype = np.uint16 if self.vocabulary_size <= 1 << 16 else np.int32
        ids: list[np.ndarray] = [np.empty(0, dtype=dtype)]
        lengths: list[int] = []
        for at in range(0, len(strings), _BLOCK):
            with self._guarded("it fails on these prompts"):
                encodings = self._tokenizer.encode_batch_fast(strings[at : at + _BLOCK])
            rows = [encoding.ids for encoding in encodings]
            lengths += map(len, rows)
            ids.append(np.array([number for row in rows for number in row], dtype=dtype))
        return TokenTable(np.concatenate(ids), offsets_of(np.array(lengths, dtype=np.int64)))

    def clean_and_encode(
        self, prompts: pa.LargeStringArray | Sequence[str]
    ) -> tuple[pa.LargeStringArray, TokenTable]:
        """Both `clean` and `encode`."""
        return self.clean(prompts), self.encode(prompts)

    def ends(self, prompts: pa.LargeStringArray | Sequence[str]) -> np.ndarray:
        """Where each token of N prompts ends, int64 [T]: in characters of the prompt itself.

        0 for a token that the tokenizer adds.
        """
        with self._guarded("it fails on these prompts"):
            encodings = self._tokenizer.encode_batch(_strings(prompts))
        return np.array([end for e in encodings for _, end in e.offsets], dtype=np.int64)

    @property
    def pad_id(self) -> int:
        """The id that it pads with: as it says itself, else its token named as one, else 0."""
        padding = json.loads(self.json).get("padding")
        if padding:
            return int(padding["pad_id"])
        named = (self._tokenizer.token_to_id(token) for token in _PAD_TOKENS)
        return next((number for number in named if number is not None), 0)

    def text_of(self, number: int) -> str:
        """The token's own spelling in the vocabulary."""
        return self._tokenizer.id_to_token(number) or ""


def _strings(prompts: pa.LargeStringArray | Sequence[str]) -> list[str]:
    return prompts.to_pylist() if isinstance(prompts, pa.Array) else list(prompts)


def _locate(place: str) -> Path:
    """tokenizer.json of a local folder, or of a hub repository."""
    try:
        folder = Path(place).expanduser()
        here = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, no such user, a NUL
        raise InputError(f"hf:{shown(place)[:80]}: is no path ({shown(error)[:80]})") from error
    if here:
        path = folder / _FILE
        if path.is_file():
            return path
        raise InputError(f"{shown(folder)}: no {_FILE} in this folder; save a fast tokenizer there")
    check_repository(place)
    import huggingface_hub  # takes a second, which only a download is worth

    asked = Asked(
        place,
        kind="model",
        gated=False,
        command=f"anatomy audit --encoder hf:{place}",
        elsewhere=f"give a folder that holds {_FILE}: --encoder hf:FOLDER",
    )
    with explained(asked), quiet():
        downloaded = huggingface_hub.hf_hub_download(place, _FILE)
        for name in (_CONFIG, _SENTENCES):  # they lie beside the other
            with contextlib.suppress(huggingface_hub.errors.EntryNotFoundError):
                huggingface_hub.hf_hub_download(place, name)
    return Path(downloaded)


def _context(config: Path) -> int | None:
    """The least of the limits that stand beside the tokenizer."""
    limits = []
    for path, key in (
        (config, "model_max_length"),
        (config.with_name(_SENTENCES), "max_seq_length"),
    ):
        with contextlib.suppress(OSError, ValueError, AttributeError, RecursionError):
            length = json.loads(path.read_bytes()).get(key)
            # transformers writes 1e30 where a tokenizer knows no limit
            if type(length) is int and 0 < length < 1 << 20:
                limits.append(length)
    return min(limits, default=None)
