"""What word order is to both encoders: shuffled prompts, and pairs of which it is the meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pyarrow as pa

from anatomy.corpus.model import COMBINED
from anatomy.tokens.ragged import rows
from distill import hashing
from distill.evaluation.asked import Both
from distill.evaluation.groups import cosines_of
from distill.evaluation.held_out import HeldOut
from distill.metrics.evaluation import CorpusOrders, OrderPair, ShuffleQuality
from distill.outputs import cosines
from distill.permute import permuted, shuffled
from distill.split import bags, sequences

MOST_SHUFFLED = 1000  # prompts of a kind: the teacher has to be asked for these
MOST_TWINS = 1000  # held-out pairs

# Things and what relates them; whose attribute it is; who does it to whom; compound nouns.
PAIRS = (
    ("dog on cat", "cat on dog"),
    ("cup on book", "book on cup"),
    ("man behind woman", "woman behind man"),
    ("woman left of man", "man left of woman"),
    ("chair under table", "table under chair"),
    ("bottle in front of glass", "glass in front of bottle"),
    ("car next to red bus", "red car next to bus"),
    ("red cup on blue table", "blue cup on red table"),
    ("man in white shirt and black hat", "man in black shirt and white hat"),
    ("small dog beside big cat", "big dog beside small cat"),
    ("girl with long hair holding short pencil", "girl with short hair holding long pencil"),
    ("boy feeding horse", "horse feeding boy"),
    ("dog chasing boy", "boy chasing dog"),
    ("woman holding child", "child holding woman"),
    ("person riding elephant", "elephant riding person"),
    ("bird watching man", "man watching bird"),
    ("milk chocolate", "chocolate milk"),
    ("race horse", "horse race"),
    ("house boat", "boat house"),
    ("flower pot", "pot flower"),
)

Kind = Literal["content words", "all words"]
_KINDS: tuple[tuple[Kind, Callable[[pa.LargeStringArray, int], pa.LargeStringArray]], ...] = (
    ("content words", permuted),
    ("all words", shuffled),
)
SHUFFLES = len(_KINDS)


def shuffles(held: HeldOut, both: Both, seed: int = 0) -> list[ShuffleQuality]:
    """Held-out prompts with their words shuffled, as many of each source, both encoders asked.

    Prompts that do not change, or that a context cuts, are left out: a cut takes other words from
    the two versions.
    """
    found: list[ShuffleQuality] = []
    lot = np.argsort(hashing.seeded(hashing.of_words(held.texts.to_pylist()), seed), kind="stable")
    whole, order = both.whole(both.read(held.texts)), sequences(held.texts)
    for kind, shuffle in _KINDS:
        others = shuffle(held.texts, seed)
        theirs, ours = both.read(others)
        moved = whole & both.whole((theirs, ours)) & (order != sequences(others))
        chosen = _drawn(lot[moved[lot]], held.member)
        if not len(chosen):
            continue
        teacher, student = both.pooled((rows(theirs, chosen), rows(ours, chosen)))
        compared = (
            cosines(teacher, held.teacher[chosen]),
            cosines(student, held.student[chosen]),
            cosines(student, teacher),
            cosines(np.broadcast_to(held.mean, teacher.shape), teacher),
        )
        groups = {COMBINED: np.ones(len(chosen), dtype=bool)}
        groups |= {name: held.member[chosen, at] for at, name in enumerate(held.names)}
        for name, group in groups.items():
            if not group.any():
                continue
            of_teacher, of_student, near, base = (cosines_of(side[group]) for side in compared)
            found.append(
                ShuffleQuality(
                    kind=kind,
                    group=name,
                    prompts=int(group.sum()),
                    teacher=of_teacher,
                    student=of_student,
                    closeness=near,
                    baseline=base,
                )
            )
    return found


def _drawn(lot: np.ndarray, member: np.ndarray) -> np.ndarray:
    """The first of the lot (prompts, int64) that belong to each source, as many of each."""
    each = max(1, MOST_SHUFFLED // member.shape[1])
    first = [lot[member[lot, at]][:each] for at in range(member.shape[1])]
    return np.unique(np.concatenate(first))


def order_pairs(both: Both) -> list[OrderPair]:
    """The fixed pairs that no context cuts, as both encoders tell them apart."""
    texts = pa.array([text for pair in PAIRS for text in pair], pa.large_string())
    tables = both.read(texts)
    whole = both.whole(tables)
    teacher, student = both.pooled(tables)
    known = np.isin(tables[0].ids, both.tokenizer.kept)
    kept = np.logical_and.reduceat(known, tables[0].offsets[:-1])
    theirs = cosines(teacher[::2], teacher[1::2])
    ours = cosines(student[::2], student[1::2])
    return [
        OrderPair(
            one=one,
            other=other,
            teacher=float(theirs[at]),
            student=float(ours[at]),
            kept=bool(kept[2 * at : 2 * at + 2].all()),
        )
        for at, (one, other) in enumerate(PAIRS)
        if whole[2 * at : 2 * at + 2].all()
    ]


def corpus_orders(texts: pa.LargeStringArray, held: HeldOut, seed: int = 0) -> CorpusOrders:
    """Word-order twins of a corpus, and how both encoders tell those held out apart.

    Parameters
    ----------
    texts : pa.LargeStringArray
        All distinct prompts. Of those that are held out, none that the student's context cuts is
        compared.
    held : HeldOut
    """
    bag, order = bags(texts), sequences(texts)
    first, _ = _twins(bag, order)
    whole = np.flatnonzero(~held.cut)
    one, other = (whole[at] for at in _twins(bag[held.rows[whole]], order[held.rows[whole]]))
    if len(one) > MOST_TWINS:
        chosen = np.random.default_rng(seed).permutation(len(one))[:MOST_TWINS]
        one, other = one[chosen], other[chosen]
    sides = [cosines(side[one], side[other]) for side in (held.teacher, held.student)]
    return CorpusOrders(
        bags=len(first),
        prompts=int(np.isin(bag, bag[first]).sum()),
        pairs=len(one),
        teacher=cosines_of(sides[0]) if len(one) else None,
        student=cosines_of(sides[1]) if len(one) else None,
    )


def _twins(bag: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each bag with several orders the first prompt, and the first of another order."""
    _, first, number = np.unique(bag, return_index=True, return_inverse=True)
    differs = np.flatnonzero(order != order[first[number]])
    _, at = np.unique(number[differs], return_index=True)
    other = differs[at]
    return first[number[other]], other
