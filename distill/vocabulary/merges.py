"""What byte-pair merges need of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def closed(
    kept: Iterable[int], halves: Mapping[int, Sequence[tuple[int, int]]], always: Iterable[int]
) -> set[int]:
    """The kept tokens with all that their merges are made of.

    With each token stand the halves of every merge that makes it, theirs, and so on, and the
    tokens of `always` (single bytes or characters, specials).

    Then every prompt whose tokens are all kept is segmented as before. Take a piece of text and
    let the whole table and the pruned one merge it in step, always the pair of lowest rank. As
    long as both have made the same symbols, the pair that the whole table merges next makes a
    symbol of which a final token is built; the final token is kept, so all that it is built of is
    kept, and so is this merge. The pruned table has no other merges than the whole one and keeps
    their order, so none of its pairs ranks lower, and it merges the same pair. Neither stops
    before the other, since the pruned table can merge nothing that the whole one cannot.

    Any other prompt still encodes, into smaller pieces: what no merge makes is kept.

    Parameters
    ----------
    kept : iterable of int
    halves : mapping of int to sequence of (int, int)
        For each token, the merges that make it.
    always : iterable of int
    """
    whole = set(always)
    waiting = [number for number in kept if number not in whole]
    while waiting:
        number = waiting.pop()
        if number in whole:
            continue
        whole.add(number)
        waiting += (half for pair in halves.get(number, ()) for half in pair)
    return whole
