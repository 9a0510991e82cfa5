"""Reading one source of a census, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyarrow as pa

from anatomy.corpus.build import Opened, check_usable
from anatomy.corpus.model import NOTHING, Reading
from anatomy.progress import Steps, quiet


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
    whole, usable, clock = NOTHING, 0, time.perf_counter()
    for part in source.parts():
        whole = whole.with_counts_of(part)
        usable += len(part.prompts)
        add(code, part.prompts.unique())
        rate = usable / (time.perf_counter() - clock)
        steps(f"Reading {source.name}: {usable:,} prompts, {rate:,.0f} a second")
    check_usable(source.name, whole, usable)
    return whole, usable
