"""From the values of a file's rows to usable prompts, with a count of what was refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import NoneType

import pyarrow as pa
import pyarrow.compute as pc

MAX_CHARACTERS = 100_000

NOT_A_STRING = "not a string"
NOT_UTF8 = "not UTF-8"
LONE_SURROGATE = "not valid Unicode (lone surrogate)"
NUL = "NUL byte"
TOO_LONG = f"longer than {MAX_CHARACTERS:,} characters"
EMPTY = "empty"

# What str.isspace() holds for. Arrow's own notion of whitespace differs in a few control
# characters, and a row must not be usable on one path and refused on the other.
WHITESPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


class _Undecodable:
    """Stands in a list of values for bytes that are not UTF-8."""


UNDECODABLE = _Undecodable()


def usable(
    values: Sequence[object] | pa.Array | pa.ChunkedArray,
) -> tuple[pa.LargeStringArray, dict[str, int]]:
    """Split row values into prompts and counted refusals.

    Parameters
    ----------
    values : sequence of Python values, or an Arrow array of strings or bytes, length R
        Bytes of an Arrow array are taken as UTF-8; bytes in a Python sequence are not strings.

    Returns
    -------
    prompts : pa.LargeStringArray
        The usable rows, in order, unchanged.
    refused : dict of str to int
        Rows per reason, no zeros. A row that several reasons apply to counts for the first of
        them in the order of this module's constants.
        ``len(prompts) + sum(refused.values()) == R``.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        strings = _from_arrow(values)
    else:
        strings = _from_list(values)
    return _fast(strings) if isinstance(strings, pa.Array) else _slow(strings)


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow array of this type holds strings or bytes, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (
        *(pa.string(), pa.large_string(), pa.string_view()),
        *(pa.binary(), pa.large_binary(), pa.binary_view()),
    )


def decoded(values: Sequence[bytes | None]) -> list[object]:
    """Each of `values` as text, or `UNDECODABLE` where it is not UTF-8."""
    out: list[object] = []
    for value in values:
        try:
            out.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            out.append(UNDECODABLE)
    return out


def add_refused(total: dict[str, int], more: Mapping[str, int]) -> None:
    """Add the counts of `more` to `total`, in place."""
    for reason, count in more.items():
        total[reason] = total.get(reason, 0) + count


def _from_list(values: Sequence[object]) -> pa.Array | Sequence[object]:
    """`values` as a string array, or unchanged if Arrow cannot hold them."""
    # Exact types: Arrow would turn bytes into text without a word.
    if not set(map(type, values)) <= {str, NoneType}:
        return values
    try:
        return pa.array(values, type=pa.large_string())
    except UnicodeEncodeError:  # a lone surrogate
        return values


def _from_arrow(values: pa.Array | pa.ChunkedArray) -> pa.Array | Sequence[object]:
    """`values` as a valid string array, or as a list where some bytes are not UTF-8."""
    if not is_text(values.type):
        return pa.nulls(len(values), pa.large_string())  # numbers, lists, ...: not strings
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    raw = values.cast(pa.large_binary())
    if isinstance(raw, pa.ChunkedArray):
        raw = pa.concat_arrays(raw.chunks) if raw.chunks else pa.array([], pa.large_binary())
    try:
        # A string array read from a file need not be UTF-8; this cast looks.
        return raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        return decoded(raw.to_pylist())


def _fast(strings: pa.Array) -> tuple[pa.LargeStringArray, dict[str, int]]:
    """Whole-array tests; each row keeps the first reason that applies to it."""
    refused: dict[str, int] = {}
    for reason, test in (
        (NOT_A_STRING, pc.is_null),
        (NUL, lambda a: pc.match_substring(a, "\0")),
        (TOO_LONG, lambda a: pc.greater(pc.utf8_length(a), MAX_CHARACTERS)),
        (EMPTY, lambda a: pc.equal(pc.binary_length(pc.utf8_trim(a, WHITESPACE)), 0)),
    ):
        bad = test(strings)
        count = pc.sum(bad).as_py() or 0
        if count:
            refused[reason] = count
            strings = strings.filter(pc.invert(bad))
    return strings, refused


def _slow(values: Sequence[object]) -> tuple[pa.LargeStringArray, dict[str, int]]:
    """The same, value by value: for rows that an Arrow string array cannot hold."""
    reasons = [_reason(value) for value in values]
    # Not str(v): a member of an enumeration of strings would give its name.
    good = [str.__str__(v) for v, reason in zip(values, reasons, strict=True) if reason is None]
    counts = Counter(reason for reason in reasons if reason is not None)
    order = (NOT_A_STRING, NOT_UTF8, LONE_SURROGATE, NUL, TOO_LONG, EMPTY)
    refused = {reason: counts[reason] for reason in order if counts[reason]}
    return pa.array(good, type=pa.large_string()), refused


def _reason(value: object) -> str | None:
    if value is UNDECODABLE:
        return NOT_UTF8
    if not isinstance(value, str):
        return NOT_A_STRING
    try:
        value.encode()
    except UnicodeEncodeError:
        return LONE_SURROGATE
    if "\0" in value:
        return NUL
    if len(value) > MAX_CHARACTERS:
        return TOO_LONG
    return EMPTY if not value or value.isspace() else None
