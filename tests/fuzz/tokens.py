"""CLIP's tokenizer against the same written the plain way."""

from __future__ import annotations

from functools import cache
from random import Random

from anatomy.tokens.clip import ClipTokenizer
from tests.fuzz import mutate
from tests.fuzz.target import BrokenError, Target
from tests.tokens.reference import ReferenceTokenizer
from tests.tokens.test_clip import FRAGMENTS, rows


@cache
def _both() -> tuple[ClipTokenizer, ReferenceTokenizer]:
    return ClipTokenizer(), ReferenceTokenizer()


def _tokens(data: bytes) -> None:
    """Each line is a prompt; bytes that are no UTF-8 become lone surrogates."""
    ours, reference = _both()
    prompts = data.decode("utf-8", "surrogateescape").split("\n")
    found = rows(ours.encode(prompts))
    for prompt, ids in zip(prompts, found, strict=True):
        expected = reference.encode(prompt)
        if ids != expected:
            raise BrokenError(f"{prompt!r}: {ids}, but the reference has {expected}")
    if len(reference.cache) > 100_000:
        reference.cache = {word: word for word in ("<start_of_text>", "<end_of_text>")}


def _seeds() -> list[bytes]:
    return [fragment.encode("utf-8", "surrogatepass") for fragment in FRAGMENTS]


def _mutated(random: Random, data: bytes) -> bytes:
    """Fragments beside each other, characters of any plane, or changed bytes."""
    kind = random.random()
    if kind < 0.3:
        return mutate.binary(random, data)
    if kind < 0.5:
        text = "".join(
            chr(
                random.choice(
                    (random.randrange(0x250), random.randrange(0x3000), random.randrange(0x110000))
                )
            )
            for _ in range(12)
        )
        return text.encode("utf-8", "surrogatepass")
    joint = random.choice((b"", b" ", b"\n"))
    return joint.join([data, *random.choices(_seeds(), k=random.randrange(1, 5))])


TARGETS = [Target("tokens", _tokens, _seeds, _mutated, 300)]
