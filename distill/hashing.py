"""Seeded 64-bit hashes of many words at once: equal on every machine, and for every neighbour."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np


def of_words(words: Iterable[str]) -> np.ndarray:
    """A hash of each string, uint64 [len]."""
    digests = [
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for word in words
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def mixed(numbers: np.ndarray) -> np.ndarray:
    """The numbers (uint64, any shape) scattered over all 64-bit numbers, one for one.

    The output function of SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014).
    """
    out = numbers + np.uint64(0x9E3779B97F4A7C15)
    out = (out ^ (out >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    out = (out ^ (out >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: np.ndarray = out ^ (out >> np.uint64(31))
    return result


def sums(numbers: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The numbers (uint64 [W]) of each of `count` rows added up modulo 2^64; `rows` ascend."""
    total = np.zeros(len(numbers) + 1, dtype=np.uint64)
    np.cumsum(numbers, out=total[1:])
    ends = np.searchsorted(rows, np.arange(count + 1))
    out: np.ndarray = total[ends[1:]] - total[ends[:-1]]
    return out


def seeded(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Other numbers for every seed, uint64."""
    start = np.array([seed % (1 << 64)], dtype=np.uint64)
    return mixed(numbers ^ mixed(start))
