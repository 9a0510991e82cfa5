"""Which of the prompts that were drawn, and which of their tokens, are encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from anatomy.tokens.ragged import distinct, prefixes, rows, truncate
from anatomy.tokens.table import TokenTable, spans


@dataclass(frozen=True)
class Sample:
    """What is encoded of one group.

    Attributes
    ----------
    population, drawn : int
        Prompts of the group, and of its sample.
    prompts : ndarray of int64, shape [n]
        Corpus rows of the sampled prompts whose ids differ, in order of their lots.
    rows : ndarray of int64, shape [n]
        Row of each in the plan's table.
    tokens, kept : int
        Tokens of these prompts, and those left when the copies are collapsed.
    places : ndarray of int64, shape [m]
        Positions in the plan's flat ids of the tokens drawn, m at most n.
    """

    population: int
    drawn: int
    prompts: np.ndarray
    rows: np.ndarray
    tokens: int
    kept: int
    places: np.ndarray


@dataclass(frozen=True)
class Plan:
    """Distinct rows of ids to encode, and each group's part in them.

    Attributes
    ----------
    table : TokenTable of M rows
        Cut to the encoder's context; no two rows are equal.
    truncated : int
        Sampled prompts that were cut.
    samples : mapping of str to Sample
    """

    table: TokenTable
    truncated: int
    samples: Mapping[str, Sample]

    @property
    def places(self) -> np.ndarray:
        """Places of all groups, ascending and distinct, int64 [K]."""
        return np.unique(np.concatenate([s.places for s in self.samples.values()]))


def lowest(lot: np.ndarray, group: np.ndarray, count: int | None) -> np.ndarray:
    """Rows of a group (boolean [N]) with the `count` lowest lots, in that order."""
    members = np.flatnonzero(group)
    chosen: np.ndarray = members[np.argsort(lot[members], kind="stable")[:count]]
    return chosen


def plan(
    table: TokenTable,
    lot: np.ndarray,
    groups: Mapping[str, np.ndarray],
    population: Mapping[str, int],
    *,
    sample: int | None,
    context: int,
    special_ids: tuple[int, ...],
    causal: bool,
    seed: int,
) -> Plan:
    """Draw a sample of each group, collapse copies, and draw tokens.

    Parameters
    ----------
    table : TokenTable of N prompts
        Of each source at least those of the `sample` lowest lots.
    lot : ndarray of uint64, shape [N]
        Of each prompt; equal for equal prompts. See `census.lowest`.
    groups : mapping of str to boolean ndarray [N]
    population : mapping of str to int
        Prompts of each group in the whole corpus.
    sample : int or None
        Prompts to draw of each group; None: all.
    context : int
        Positions that the encoder reads.
    special_ids : tuple of int
    causal : bool
        Whether tokens with equal prefixes have equal outputs, and so are copies.
    seed : int
    """
    drawn = {name: lowest(lot, group, sample) for name, group in groups.items()}
    union = np.unique(np.concatenate(list(drawn.values())))
    whole = rows(table, union)
    cut = truncate(whole, context, special_ids)
    numbers, first = distinct(cut)
    encoded = rows(cut, first)
    copy_of = prefixes(encoded) if causal else None
    samples = {}
    for at, (name, chosen) in enumerate(drawn.items()):
        content = numbers[np.searchsorted(union, chosen)]
        _, once = np.unique(content, return_index=True)
        once.sort()  # back to the order of the lots
        own = content[once]
        places = spans(encoded.offsets[own], encoded.lengths[own])
        tokens = len(places)
        if copy_of is not None:
            places = places[np.unique(copy_of[places], return_index=True)[1]]
        some = np.random.default_rng([seed, at]).permutation(len(places))[: len(own)]
        samples[name] = Sample(
            population=population[name],
            drawn=len(chosen),
            prompts=chosen[once],
            rows=own,
            tokens=tokens,
            kept=len(places),
            places=places[some],
        )
    return Plan(encoded, int((whole.lengths > context).sum()), samples)
