"""Reading the sources of a census, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from anatomy.corpus.build import Opened, check_usable
from anatomy.corpus.model import NOTHING, Reading
from anatomy.progress import Steps, quiet


class Folded:
    """What parts of a reading say besides their prompts, as they come.

    Attributes
    ----------
    reading : Reading
        Of all parts so far, without prompts.
    usable : int
        Prompts of these, copies included.
    """

    def __init__(self) -> None:
        self.reading, self.usable = NOTHING, 0

    def prompts(self, parts: Iterable[Reading]) -> Iterator[pa.LargeStringArray]:
        """The distinct prompts of each part."""
        for part in parts:
            self.reading = self.reading.with_counts_of(part)
            self.usable += len(part.prompts)
            yield part.prompts.unique()


def read(
    source: Opened,
    code: int,
    add: Callable[[int, pa.LargeStringArray], None],
    steps: Steps = quiet,
) -> tuple[Reading, int]:
    """Read a source; what its parts say but for the prompts, and how many of these there are.

    Parameters
    ----------
    source : Opened
    code : int
        Of the source, for `add`.
    add : function of (int, pa.LargeStringArray)
        Is given the distinct prompts of each part.
    steps : Steps

    Raises
    ------
    InputError
        Anything that the reader raises; no usable prompt.
    """
    known, clock = Folded(), time.perf_counter()
    for prompts in known.prompts(source.parts()):
        add(code, prompts)
        rate = known.usable / (time.perf_counter() - clock)
        steps(f"Reading {source.name}: {known.usable:,} prompts, {rate:,.0f} a second")
    check_usable(source.name, known.reading, known.usable)
    return known.reading, known.usable
