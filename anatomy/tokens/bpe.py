"""Byte-level byte-pair encoding of single words, as CLIP's tokenizer does it.

Source: Radford et al. 2021 (CLIP) and its published `simple_tokenizer.py`; the merges table is
theirs (data/NOTICE). SAM3 uses the same table and the same rules.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import resources
from itertools import pairwise

END_OF_WORD = "</w>"
START_OF_TEXT = "<start_of_text>"
END_OF_TEXT = "<end_of_text>"

# Up to here the plain algorithm is the quicker one; above it, it would be quadratic.
_LONG_WORD = 64


def _byte_symbols() -> dict[int, str]:
    """A printable character for each of the 256 bytes, in the order that numbers the vocabulary.

    Printable Latin-1 characters stand for themselves and come first; the other bytes get
    characters from 256 up.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    printable += range(ord("®"), ord("ÿ") + 1)
    others = sorted(set(range(256)) - set(printable))
    return {b: chr(b) for b in printable} | {b: chr(256 + n) for n, b in enumerate(others)}


BYTES = 512  # tokens that are one byte, plain and closing a word: the first of every vocabulary


@cache
def clip_merges() -> tuple[tuple[tuple[str, str], ...], str]:
    """CLIP's merges by rank, and the SHA-256 of their published table."""
    packed = (resources.files(__package__) / "data/clip_merges.txt.gz").read_bytes()
    table = gzip.decompress(packed)
    lines = table.decode("utf-8").splitlines()[1:]
    merges = tuple((first, second) for first, second in map(str.split, lines))
    return merges, hashlib.sha256(table).hexdigest()


class BytePairEncoder:
    """Merges and vocabulary: CLIP's, or a part of CLIP's.

    Parameters
    ----------
    merges : sequence of (str, str), optional
        Merges of CLIP's in their order of rank; all of them unless told. With each, those that
        make its two halves.

    Attributes
    ----------
    symbols : list of str, length 512 + len(merges) + 2
        The token of each id, in CLIP's byte alphabet; a final ``</w>`` closes a word. All of
        CLIP's are 49,408.
    ids : dict of str to int
    merges : tuple of (str, str)
    start_id, end_id : int
        The two highest ids; CLIP's are 49,406 and 49,407.
    """

    def __init__(self, merges: Sequence[tuple[str, str]] | None = None) -> None:
        every, self.merges_sha256 = clip_merges()
        self.merges = every if merges is None else tuple(merges)
        symbols = _byte_symbols()
        alphabet = symbols.values()
        self.symbols = [
            *alphabet,
            *(symbol + END_OF_WORD for symbol in alphabet),
            *(first + second for first, second in self.merges),
            START_OF_TEXT,
            END_OF_TEXT,
        ]
        self.ids = {symbol: number for number, symbol in enumerate(self.symbols)}
        self.start_id = self.ids[START_OF_TEXT]
        self.end_id = self.ids[END_OF_TEXT]
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._symbol_of_byte = [symbols[byte] for byte in range(256)]

    def encode(self, piece: str) -> list[int]:
        """Token ids of one piece of text (what the splitting pattern matched, no white space)."""
        if (whole := self.whole_words.get(piece)) is not None:
            return [whole]
        if piece in (START_OF_TEXT, END_OF_TEXT):  # literals in a prompt are the special tokens
            return [self.ids[piece]]
        symbols = [self._symbol_of_byte[byte] for byte in piece.encode("utf-8")]
        symbols[-1] += END_OF_WORD
        merge = self._merge_long if len(symbols) > _LONG_WORD else self._merge
        return [self.ids[symbol] for symbol in merge(symbols)]

    @cached_property
    def whole_words(self) -> dict[str, int]:
        """Words of ASCII letters that are a single token, with their ids.

        A symbol in the vocabulary is no proof that the merges arrive at it; for CLIP's table they
        do, for every one of these (the tests encode them all).
        """
        closed = len(END_OF_WORD)
        return {
            symbol[:-closed]: number
            for symbol, number in self.ids.items()
            if symbol.endswith(END_OF_WORD) and symbol.isascii() and symbol[:-closed].isalpha()
        }

    @cached_property
    def halves(self) -> dict[int, list[tuple[int, int]]]:
        """For each token that merges make, the ids of its halves: of CLIP's there is one merge."""
        return {
            BYTES + rank: [(self.ids[first], self.ids[second])]
            for rank, (first, second) in enumerate(self.merges)
        }

    def text_of(self, number: int) -> str:
        """The text that a token stands for, with a space where the token closes a word.

        Bytes that are no whole character are shown as U+FFFD.
        """
        if number in (self.start_id, self.end_id):
            return self.symbols[number]
        symbol = self.symbols[number]
        body = symbol.removesuffix(END_OF_WORD)
        text = bytes(self._symbol_of_byte.index(s) for s in body).decode("utf-8", "replace")
        return text + " " if symbol.endswith(END_OF_WORD) else text

    def _merge(self, symbols: list[str]) -> list[str]:
        """Merge the pair of lowest rank, leftmost first, until no pair has one.

        The reference merges all occurrences of a pair at once. One at a time comes to the same: a
        symbol is made by one merge only, and a pair that holds it ranks after that merge (tested),
        so no new pair can overtake the other occurrences.
        """
        rank, never = self._ranks.get, len(self._ranks)
        ranks = [rank(pair, never) for pair in pairwise(symbols)]
        while ranks and (best := min(ranks)) < never:
            at = ranks.index(best)
            symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
            del ranks[at]
            if at:
                ranks[at - 1] = rank((symbols[at - 1], symbols[at]), never)
            if at < len(ranks):
                ranks[at] = rank((symbols[at], symbols[at + 1]), never)
        return symbols

    def _merge_long(self, symbols: Sequence[str]) -> list[str]:
        """The same in O(n log n), from a heap of (rank, position)."""
        nodes: list[str | None] = list(symbols)
        after = [*range(1, len(nodes)), -1]
        before = [-1, *range(len(nodes) - 1)]
        heap: list[tuple[int, int, str, str]] = []

        def offer(left: int, right: int) -> None:
            first, second = nodes[left], nodes[right]
            if first is not None and second is not None:
                rank = self._ranks.get((first, second))
                if rank is not None:
                    heapq.heappush(heap, (rank, left, first, second))

        for left in range(len(nodes) - 1):
            offer(left, left + 1)
        while heap:
            _, left, first, second = heapq.heappop(heap)
            right = after[left]
            if right == -1 or nodes[left] != first or nodes[right] != second:
                continue  # one of the two has been merged since
            nodes[left] = first + second
            nodes[right] = None
            after[left] = after[right]
            if after[left] != -1:
                before[after[left]] = left
                offer(left, after[left])
            if before[left] != -1:
                offer(before[left], left)
        return [symbol for symbol in nodes if symbol is not None]
