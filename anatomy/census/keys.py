"""Hashes of strings: which shard a prompt belongs to, and its lot in a draw."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from pandas.util import hash_array


def keys(prompts: pa.LargeStringArray, *purposes: str) -> tuple[np.ndarray, ...]:
    """A 64-bit hash of each string for each purpose (SipHash-2-4 of its UTF-8, by pandas).

    Hashes for different purposes do not depend on each other. Nobody can make prompts that all
    fall into one shard, but by trying: the keys are known.

    Parameters
    ----------
    prompts : pa.LargeStringArray, length N
    purposes : str

    Returns
    -------
    tuple of ndarray of uint64, shape [N]
    """
    values = np.empty(len(prompts), dtype=object)
    values[:] = prompts.to_pylist()
    found = []
    for purpose in purposes:
        key = hashlib.blake2b(purpose.encode(), digest_size=8).hexdigest()  # 16 characters
        found.append(hash_array(values, hash_key=key, categorize=False))
    return tuple(found)
