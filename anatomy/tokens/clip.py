"""The CLIP tokenizer as SAM3 uses it: exact for every string, and fast.

Cleaning (open_clip's "lower", which SAM3 copies): ``ftfy.fix_text``, ``html.unescape`` twice,
strip, white space to single spaces, lower case. Then a pattern splits the text and each piece is
byte-pair encoded; a start and an end token enclose the prompt.

Why the fast path is exact:

* On printable ASCII without ``&`` neither ftfy nor ``html.unescape`` changes anything, so cleaning
  is lower case and white space. All other prompts take the reference's own calls, one by one.
* No alternative of the pattern matches a space or looks around, so the ids of a cleaned prompt are
  those of its space-separated words, one after the other. Each distinct word is encoded once.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cached_property

import ftfy
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from anatomy.tokens.bpe import END_OF_TEXT, END_OF_WORD, START_OF_TEXT, BytePairEncoder
from anatomy.tokens.table import TokenTable, gather, offsets_of

_PIECE = regex.compile(
    START_OF_TEXT
    + "|"
    + END_OF_TEXT
    + r"|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    regex.IGNORECASE,
)
# Neither ftfy nor html.unescape changes these: printable ASCII without "&".
_PLAIN = regex.compile("[ -%'-~]*")
# Prompts that lower case alone does not clean (RE2's syntax, for Arrow).
_NOT_CLEAN = "[^ -%'-~]|  |^ | $"
_FTFY = ftfy.TextFixerConfig(explain=False)
_BLOCK = 1 << 17  # prompts handled at a time: bounds the memory of the arrays of words
_SPACE = ord(" ")


def clean(prompt: str) -> str:
    """One prompt, cleaned as the reference does it; works for any Python string."""
    if not _PLAIN.fullmatch(prompt):
        prompt = html.unescape(html.unescape(ftfy.fix_text(prompt, _FTFY)))
    return " ".join(prompt.split()).lower()


class ClipTokenizer:
    """CLIP's byte-pair tokenizer with SAM3's cleaning.

    Parameters
    ----------
    name : str
    bpe : BytePairEncoder, optional
        With a part of CLIP's merges; all of them unless told.

    Attributes
    ----------
    name : str
    bpe : BytePairEncoder
    vocabulary_size : int
        49,408 with all merges.
    special_ids : tuple of int
        Start and end of text, the highest ids: 49,406 and 49,407.
    context : int
        Positions that SAM3's text encoder reads: 32.
    description : str
        Cleaning and merges, with the hash of the merges table.
    """

    context: int | None = 32

    def __init__(self, name: str = "sam3", bpe: BytePairEncoder | None = None) -> None:
        self.name = name
        self.bpe = bpe or BytePairEncoder()
        self.vocabulary_size = len(self.bpe.symbols)
        self.special_ids: tuple[int, ...] = (self.bpe.start_id, self.bpe.end_id)
        self.description = (
            "CLIP byte-pair encoding, lower case, cleaned with "
            f"ftfy {ftfy.__version__} and html.unescape; merges sha256 {self.bpe.merges_sha256}"
        )
        self._number_of_word: dict[str, int] = {}
        self._word_ids: list[int] = []
        self._word_lengths: list[int] = []

    def clean(self, prompts: pa.LargeStringArray | Sequence[str]) -> pa.LargeStringArray:
        """Cleaned prompts, one for one: what this tokenizer cannot tell apart becomes equal."""
        prompts, exact = _as_arrow(prompts)
        lowered = pc.ascii_lower(prompts)
        rest = np.flatnonzero(
            pc.match_substring_regex(prompts, _NOT_CLEAN).to_numpy(zero_copy_only=False)
        )
        if not len(rest) and not exact:
            return lowered
        cleaned = [clean(text) for text in prompts.take(pa.array(rest)).to_pylist()]
        return _replaced(lowered, dict(zip(rest.tolist(), cleaned, strict=True)) | exact)

    def encode(self, prompts: pa.LargeStringArray | Sequence[str]) -> TokenTable:
        """Token ids of N prompts, of any strings whatever."""
        return self.clean_and_encode(prompts)[1]

    def clean_and_encode(
        self, prompts: pa.LargeStringArray | Sequence[str]
    ) -> tuple[pa.LargeStringArray, TokenTable]:
        """Both `clean` and `encode`, for the price of one cleaning."""
        cleaned = self.clean(prompts)
        blocks = [
            self._encode_block(cleaned.slice(at, _BLOCK)) for at in range(0, len(cleaned), _BLOCK)
        ]
        ids = [block.ids for block in blocks] or [np.empty(0, dtype=np.uint16)]
        lengths = [block.lengths for block in blocks] or [np.empty(0, dtype=np.int64)]
        return cleaned, TokenTable(np.concatenate(ids), offsets_of(np.concatenate(lengths)))

    def ends(self, prompts: pa.LargeStringArray | Sequence[str]) -> np.ndarray:
        """Where each token of N prompts ends, int64 [T]: in bytes of the cleaned words.

        Equal for two encoders of one text exactly where their tokens end at the same byte. A
        special token counts as one byte.
        """
        table = self.encode(prompts)
        total = np.cumsum(self._bytes[table.ids])
        before = np.concatenate([[0], total])[table.offsets[:-1]]
        ends: np.ndarray = total - np.repeat(before, table.lengths)
        return ends

    @cached_property
    def _bytes(self) -> np.ndarray:
        """Bytes that each token stands for, int64 [V]."""
        sizes = [len(symbol.removesuffix(END_OF_WORD)) for symbol in self.bpe.symbols[:-2]]
        return np.array([*sizes, 1, 1])

    def text_of(self, number: int) -> str:
        """The text that token `number` stands for; a final space closes a word."""
        return self.bpe.text_of(number)

    def _encode_block(self, cleaned: pa.LargeStringArray) -> TokenTable:
        words, words_of_prompt = _split(cleaned)
        encoded = words.dictionary_encode()
        number = self._numbers_of(encoded.dictionary.to_pylist())[
            encoded.indices.to_numpy(zero_copy_only=False)
        ]
        lengths = np.asarray(self._word_lengths, dtype=np.int64)
        starts = offsets_of(lengths)[:-1]
        tokens_of_word = lengths[number]
        inner = gather(np.asarray(self._word_ids, dtype=np.uint16), starts[number], tokens_of_word)

        before = offsets_of(tokens_of_word)[offsets_of(words_of_prompt)]
        offsets = offsets_of(np.diff(before) + 2)
        ids = np.empty(int(offsets[-1]), dtype=np.uint16)
        is_inner = np.ones(len(ids), dtype=bool)
        is_inner[offsets[:-1]] = False
        is_inner[offsets[1:] - 1] = False
        ids[offsets[:-1]], ids[offsets[1:] - 1] = self.special_ids
        ids[is_inner] = inner
        return TokenTable(ids, offsets)

    def _numbers_of(self, words: Sequence[str]) -> np.ndarray:
        """Number of each of the distinct `words` in the table of encoded words, int64 [len]."""
        known, whole = self._number_of_word, self.bpe.whole_words
        numbers = np.empty(len(words), dtype=np.int64)
        for at, word in enumerate(words):
            word = word.rstrip(" ")
            number = known.get(word)
            if number is None:
                number = known[word] = len(known)
                token = whole.get(word)
                ids = [token] if token is not None else self._encode_word(word)
                self._word_ids += ids
                self._word_lengths.append(len(ids))
            numbers[at] = number
        return numbers

    def _encode_word(self, word: str) -> list[int]:
        return [number for piece in _PIECE.findall(word) for number in self.bpe.encode(piece)]


def _as_arrow(
    prompts: pa.LargeStringArray | Sequence[str],
) -> tuple[pa.LargeStringArray, dict[int, str]]:
    """An Arrow array of the prompts, and the cleaned text of those it cannot hold.

    A Python string with a lone surrogate has no UTF-8 form; it is cleaned here (ftfy mends it).
    """
    if isinstance(prompts, pa.Array):
        return prompts.cast(pa.large_string()), {}
    try:
        return pa.array(prompts, pa.large_string()), {}
    except UnicodeEncodeError:
        lone = regex.compile(r"[\ud800-\udfff]")
        exact = {at: clean(text) for at, text in enumerate(prompts) if lone.search(text)}
        plain = ["" if at in exact else text for at, text in enumerate(prompts)]
        return pa.array(plain, pa.large_string()), exact


def _replaced(strings: pa.LargeStringArray, new: dict[int, str]) -> pa.LargeStringArray:
    """`strings` with the entries at the given places replaced."""
    mask = np.zeros(len(strings), dtype=bool)
    mask[list(new)] = True
    values = pa.array([new[at] for at in sorted(new)], pa.large_string())
    return pc.replace_with_mask(strings, pa.array(mask), values)


def _split(cleaned: pa.LargeStringArray) -> tuple[pa.LargeStringArray, np.ndarray]:
    """The words of all prompts, each with the space that follows it, and their count per prompt.

    The words share the prompts' own bytes: only the offsets are new.
    """
    if not len(cleaned):
        return cleaned, np.empty(0, dtype=np.int64)
    _, offset_buffer, text = cleaned.buffers()
    edges = np.frombuffer(offset_buffer, dtype=np.int64)
    edges = edges[cleaned.offset : cleaned.offset + len(cleaned) + 1]
    low, high = int(edges[0]), int(edges[-1])
    size = high - low
    if not size:
        return cleaned.slice(0, 0), np.zeros(len(cleaned), dtype=np.int64)
    begins = np.empty(size + 1, dtype=bool)  # where a word begins, and one past the end
    begins[0] = True
    np.equal(np.frombuffer(text, dtype=np.uint8)[low:high], _SPACE, out=begins[1:])
    begins[edges - low] = True
    at = np.flatnonzero(begins)
    # A word begins at each marked byte; the last mark is the end. Empty prompts have no word.
    words_before = np.searchsorted(at, edges - low)
    offsets = pa.py_buffer((at + low).astype(np.int64))
    words = pa.Array.from_buffers(pa.large_string(), len(at) - 1, [None, offsets, text])
    return words, np.diff(words_before)
