"""Which encoder of another audit stands against which of the baseline's."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

from anatomy.findings import EncoderFinding, FileOutputsFinding, Findings

Pairing = Literal["name", "tokenizer", "only one left"]
Measured = EncoderFinding | FileOutputsFinding
_HASH = re.compile(r"sha256 ([0-9a-f]{64})")


def pair(base: Sequence[Measured], others: Sequence[Measured]) -> dict[int, tuple[int, Pairing]]:
    """For places in `base`, the place in `others` that stands against it, and by what.

    Encoders of one name stand against each other; of those left over, encoders of one vocabulary;
    and at last the only one left on either side, whatever it is, so that two audits of one encoder
    each can be compared. What is not the only one with its name or vocabulary, or is left over
    beside others, stands against none: no guess is made.
    """
    found: dict[int, tuple[int, Pairing]] = {}
    ways: tuple[tuple[Pairing, Callable[[Measured], Hashable]], ...] = (
        ("name", lambda one: one.name),
        ("tokenizer", _vocabulary),
        ("only one left", lambda _: None),
    )
    for by, key in ways:
        taken = {there for there, _ in found.values()}
        here = [at for at in range(len(base)) if at not in found]
        there = [at for at in range(len(others)) if at not in taken]
        for at in here:
            rivals = [a for a in here if key(base[a]) == key(base[at])]
            alike = [to for to in there if key(others[to]) == key(base[at])]
            if len(rivals) == len(alike) == 1:
                found[at] = (alike[0], by)
    return found


def measured_in(audit: Findings) -> list[Measured]:
    """The encoders of an audit, then its files of outputs."""
    return [*audit.encoders, *audit.outputs]


def vocabulary_of(encoder: EncoderFinding) -> tuple[str, int, tuple[int, ...]]:
    """What makes an id mean the same token: the vocabulary's hash, its size, the special ids."""
    hashed = _HASH.search(encoder.tokenizer)
    name = hashed.group(1) if hashed else encoder.tokenizer
    return name, encoder.vocabulary_size, tuple(encoder.special_ids)


def _vocabulary(one: Measured) -> Hashable:
    """Files of outputs have none, and their names are compared before."""
    return vocabulary_of(one) if isinstance(one, EncoderFinding) else one.name


def same_tokenizer(a: EncoderFinding, b: EncoderFinding) -> bool:
    """Whether two encoders turn every prompt into the same ids, as far as the findings say."""
    return a.tokenizer == b.tokenizer and vocabulary_of(a) == vocabulary_of(b)
