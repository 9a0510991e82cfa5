"""How measured values are put into words, with what they were measured on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anatomy.ledger.intervals import Interval
from anatomy.ledger.model import SOURCES, Measured, MeasuredInside, MeasuredSource
from anatomy.measures.context import LengthHistogram

NO_PROMPTS = "a training result: not measurable from prompts"
NO_RUN = "a timing on the authors' machine: not measurable from prompts"
NO_WEIGHTS = (
    "the figures themselves need the SAM3 text encoder's weights: anatomy audit --encoder sam3=PATH"
)
PRINTED_ONLY = "about printed figures alone: there is nothing to measure"


Said = tuple[str | None, str | None]  # an entry's `measured` and `not_measured`


def size(source: MeasuredSource) -> str:
    """How much of the published source is here."""
    if source.unique == source.published:
        return f"{source.unique:,}"
    if source.unique < source.published and not source.is_whole:
        return f"{source.unique:,} of {source.published:,}"
    return f"{source.unique:,} here, {source.published:,} published"


def scope(measured: Measured) -> str:
    """The sources here, each with its size."""
    present = [measured.sources[name] for name in SOURCES if name in measured.sources]
    return "; ".join(f"{source.name} {size(source)}" for source in present)


def lacking(measured: Measured | None, names: Sequence[str] = SOURCES) -> str | None:
    """What is still needed for a statement about all of these sources; None if nothing is."""
    sources = measured.sources if measured else {}
    absent = [name for name in names if name not in sources]
    other = [name for name in names if name in sources and not sources[name].is_whole]
    needs = []
    if absent:
        needs.append(f"the official files of {', '.join(absent)}")
    if other:
        needs.append(f"a complete copy of {', '.join(other)}")
    return f"needs {' and '.join(needs)}" if needs else None


def joint(measured: Measured | None, describe: Callable[[LengthHistogram, Measured], str]) -> Said:
    """A statement about all prompts together, saying which prompts those are."""
    missing = lacking(measured)
    if measured is None or not measured.union:
        return None, missing
    text = describe(measured.combined_lengths, measured)
    if measured.is_complete:
        return f"over the {measured.union:,} distinct prompts of all six sources: {text}", None
    where = f"the {measured.union:,} distinct prompts here ({scope(measured)})"
    return f"over {where}, not the paper's corpus: {text}", f"for the paper's corpus: {missing}"


def each(
    measured: Measured | None, names: Sequence[str], describe: Callable[[LengthHistogram], str]
) -> Said:
    """A statement about each of these sources that is here."""
    found = [measured.sources[n] for n in names if n in measured.sources] if measured else []
    texts = [f"{s.name} ({size(s)}): {describe(s.lengths)}" for s in found if s.unique]
    return "; ".join(texts) or None, lacking(measured, names)


def against(measured: Measured, value: float, published: Interval) -> str:
    """How a value compares with the published one; silent where the corpus is not the paper's."""
    if not measured.is_complete:
        return ""
    inside = published.lo <= value <= published.hi
    return " (the published value)" if inside else " (outside the published value's rounding)"


def weights(measured: Measured | None, describe: Callable[[MeasuredInside], str | None]) -> Said:
    """A statement about SAM3's weights alone."""
    text = describe(measured.inside) if measured and measured.inside else None
    return (text, None) if text else (None, NO_WEIGHTS)


def outputs(measured: Measured | None, describe: Callable[[MeasuredInside], str | None]) -> Said:
    """A statement about SAM3's weights on these prompts, saying which prompts those are."""
    text = describe(measured.inside) if measured and measured.inside else None
    if not text or measured is None:
        return None, NO_WEIGHTS
    if measured.is_complete:
        return f"on all six sources: {text}", None
    lack = lacking(measured)
    return f"on {scope(measured)}: {text}", f"for the paper's corpus: {lack}"
