"""CLIP's tokenizer written the plain way, one string at a time: what ours is compared with.

The published algorithm (Radford et al. 2021; SAM3's and open_clip's `SimpleTokenizer`, cleaning
"lower"), with none of the package's own code. Only the table of merges is shared.
"""

from __future__ import annotations

import gzip
import html
from importlib import resources
from itertools import pairwise

import ftfy
import regex

SPECIALS = ["<start_of_text>", "<end_of_text>"]


def _bytes_to_unicode() -> dict[int, str]:
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in kept}
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + len(table) - len(kept))
    return table


class ReferenceTokenizer:
    def __init__(self) -> None:
        table = resources.files("anatomy.tokens") / "data/clip_merges.txt.gz"
        lines = gzip.decompress(table.read_bytes()).decode("utf-8").split("\n")
        merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
        self.byte_encoder = _bytes_to_unicode()
        alphabet = list(self.byte_encoder.values())
        vocabulary = alphabet + [symbol + "</w>" for symbol in alphabet]
        vocabulary += ["".join(merge) for merge in merges] + SPECIALS
        self.encoder = {symbol: number for number, symbol in enumerate(vocabulary)}
        self.ranks = {merge: rank for rank, merge in enumerate(merges)}
        self.cache = {special: special for special in SPECIALS}
        self.pattern = regex.compile(
            "|".join(SPECIALS) + r"|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
            regex.IGNORECASE,
        )

    def clean(self, text: str) -> str:
        text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
        return " ".join(text.split()).strip().lower()

    def bpe(self, token: str) -> str:
        if token in self.cache:
            return self.cache[token]
        word = (*token[:-1], token[-1] + "</w>")
        while len(word) > 1:
            pairs = set(pairwise(word))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, float("inf")))
            if best not in self.ranks:
                break
            merged: list[str] = []
            at = 0
            while at < len(word):
                if word[at : at + 2] == best:
                    merged.append(word[at] + word[at + 1])
                    at += 2
                else:
                    merged.append(word[at])
                    at += 1
            word = tuple(merged)
        self.cache[token] = " ".join(word)
        return self.cache[token]

    def encode(self, text: str) -> list[int]:
        ids = []
        for piece in regex.findall(self.pattern, self.clean(text)):
            token = "".join(self.byte_encoder[byte] for byte in piece.encode("utf-8"))
            ids += [self.encoder[symbol] for symbol in self.bpe(token).split(" ")]
        return [self.encoder[SPECIALS[0]], *ids, self.encoder[SPECIALS[1]]]
